"""What the commands have in common: how they end."""

from collections.abc import Callable

import typer

from blocks import BlockError


def run_command(command: Callable) -> None:
    """`run` for a program of one command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    run(app)


def run(app: typer.Typer) -> None:
    """Run a command; errors become one line and an exit code: 1 (a block failed), 2 (bad arguments) or 130 (Ctrl-C)."""
    try:
        app(standalone_mode=True)
    except BlockError as error:
        typer.echo(f"error: {str(error).splitlines()[0]}", err=True)
        raise SystemExit(1) from None
    except (ValueError, OSError, ImportError) as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
