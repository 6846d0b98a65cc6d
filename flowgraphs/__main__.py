"""The command `calibeam`: the link where no other program is named, else one of the programs that lie beside this file."""

from __future__ import annotations

import ast
import importlib
from functools import wraps
from pathlib import Path

import typer
from typer.core import TyperCommand, TyperGroup

from flowgraphs.fdd_e2e import fdd_e2e
from flowgraphs.wiring.command_line import paragraphs, run
from flowgraphs.wiring.options import given_options, refuse

HERE = Path(__file__).parent


def programs() -> dict[str, str]:
    """{name: what its file says of itself in the first line} of every program but the link; none of them is imported."""
    files = sorted(file for file in HERE.glob("*.py") if file.stem not in ("__init__", "__main__", "fdd_e2e"))
    return {file.stem.replace("_", "-"): _summary(file) for file in files}


def load(name: str, arguments: list[str]) -> typer.Typer:
    """The app of a program: its `app`, or `make_app(arguments)` where its options depend on what stands on the command line."""
    module = importlib.import_module(f"flowgraphs.{name.replace('-', '_')}")
    return module.make_app(arguments) if hasattr(module, "make_app") else module.app


class Programs(TyperGroup):
    """The programs as subcommands, each imported when it is called."""

    def __init__(self, **attributes):
        super().__init__(**attributes)
        for name, text in programs().items():
            self.add_command(TyperCommand(name, help=text))

    def resolve_command(self, ctx, args):
        """The program itself in place of its line in the list."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return super().resolve_command(ctx, args)
        command = typer.main.get_command(load(name, rest))
        command.name = name
        return name, command, rest


@wraps(fdd_e2e)
def _link(**values):
    context = values["context"]
    if context.invoked_subcommand is None:
        fdd_e2e(**values)
    else:
        name = context.invoked_subcommand
        refuse(given_options(context), context.params, f"it is an option of the link; those of calibeam {name} come after {name}")


def _summary(file):
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    return text.partition("\n")[0].partition(": python")[0].rstrip(".") + "."


def main() -> None:
    """The console script; for exit codes see flowgraphs.wiring.command_line.run."""
    app = typer.Typer(cls=Programs, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.callback(invoke_without_command=True, help=paragraphs(fdd_e2e.__doc__))(_link)
    run(app, "calibeam")


if __name__ == "__main__":
    main()
