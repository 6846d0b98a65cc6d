"""What blocks there are.

python flowgraphs/palette.py
"""

from __future__ import annotations

import inspect
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blocks import PALETTE, Block
from flowgraphs.wiring.command_line import program, run


def palette(
    name: Annotated[str | None, typer.Argument(help="A block to tell all about.")] = None,
):
    """List all blocks, of calibeam and of installed packages, by what they are for; or tell what one takes and gives."""
    if name is not None:
        if name not in PALETTE:
            raise ValueError(f"there is no block {name!r}; calibeam palette lists those that there are")
        kind = PALETTE[name]
        typer.echo(f"{kind.__module__}.{name}{inspect.signature(kind)}\n\n{inspect.getdoc(kind)}")
        return
    table = Table(title="blocks; calibeam palette NAME tells all about one", title_justify="left")
    for column in ("for", "block", "in", "out", "does"):
        table.add_column(column, no_wrap=column in ("for", "block"), overflow="fold")
    for room, kind in sorted(((_room(kind), kind) for kind in PALETTE.values()), key=lambda pair: (pair[0], pair[1].__name__)):
        table.add_row(room, kind.__name__, *(_ports(kind, side) for side in ("In", "Out")), _does(kind))
    Console(highlight=False).print(table)


def _room(kind: type[Block]) -> str:
    parts = kind.__module__.split(".")
    return parts[1] if parts[0] == "blocks" else parts[0]


def _ports(kind: type[Block], side: str) -> str:
    """Names of the ports as the docstring has them: some are settled when a block is made."""
    text = inspect.getdoc(kind) or ""
    found = re.search(rf"^{side}: +(.*(?:\n {{6,}}\S.*)*)", text, re.MULTILINE)
    names = [re.match(r" *(\w+)", line) for line in found[1].splitlines()] if found else []
    return ", ".join(dict.fromkeys(match[1] for match in names if match))


def _does(kind: type[Block]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0].partition(" Source:")[0]


app = program(palette)

if __name__ == "__main__":
    run(app)
