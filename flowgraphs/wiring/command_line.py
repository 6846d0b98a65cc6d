"""What the commands have in common: how they are made, and how they end."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

import typer

from blocks import BlockError
from trained.versions import versions

FAILED, BAD_ARGUMENTS, INTERRUPTED = 1, 2, 130
_UsageError = typer.BadParameter.__base__


class Failed(Exception):
    """Some of what a command had to do failed; the rest is done."""


def program(command: Callable) -> typer.Typer:
    """The app of a program of one command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.command(help=paragraphs(command.__doc__))(command)
    return app


def run(app: Callable[..., Any], name: str | None = None) -> None:
    """Run an app and leave the process; an error becomes one line.

    Exit code 0; 1 (FAILED: a block or a point failed), 2 (BAD_ARGUMENTS, or something that is missing) or 130 (INTERRUPTED by Ctrl-C).
    """
    try:
        code = app(standalone_mode=False, prog_name=name)
        raise SystemExit(code if isinstance(code, int) else 0)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except (BlockError, Failed) as error:
        _end(str(error).splitlines()[0], FAILED)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        _end(str(error) or type(error).__name__, BAD_ARGUMENTS)
    except Exception as error:
        if not isinstance(error, _UsageError):  # type: ignore[arg-type]
            raise
        where = getattr(error, "ctx", None)
        _end(error.format_message().replace("Value error, ", "") + (f" See {where.command_path} --help" if where else ""), BAD_ARGUMENTS)  # type: ignore[attr-defined]


def paragraphs(docstring: str | None) -> str:
    """A docstring with each paragraph in one line, so that a terminal of any width can break it; lists stay."""
    found = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(text if text.startswith(("-", " ")) else " ".join(text.split()) for text in found)


def print_versions(asked: bool) -> None:
    """The callback of --version."""
    if asked:
        typer.echo("\n".join(f"{package} {number}" for package, number in versions("pyzmq").items()))
        raise typer.Exit


def at_least(least: float, **numbers: float | None) -> None:
    """Raise ValueError for a number below `least`, by its name; None passes."""
    for name, value in numbers.items():
        if value is not None and not value >= least:
            raise ValueError(f"{name}={value} has to be at least {least}")


def _end(message, code):
    sys.stdout.flush()
    typer.echo(f"error: {message}", err=True)
    raise SystemExit(code)
