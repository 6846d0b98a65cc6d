"""Check a block or a network of your own against the contract that ours keep.

python flowgraphs/check.py my.py:Mine
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console

from blocks import Block
from blocks.testing import check_file
from flowgraphs.wiring.command_line import Failed, program, run
from sim.extension import load_class


def check(
    what: Annotated[str, typer.Argument(metavar="my.py:Mine", help="File and class of a block or a network.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Hold a block or a network to the contract that calibeam's own keep, and print what holds.

    A block is made and fed as EXAMPLE in its file says, (make, {input: array}); without one, as Mine() on random numbers. A network is
    built for 16 antennas and 4 users in the built-in room.
    """
    console = Console(quiet=quiet, highlight=False)
    kind, held = load_class(what, object), []
    try:
        for sentence in check_file(what) if issubclass(kind, Block) else _of_network(what):
            console.print(f"holds: {sentence}")
            held.append(sentence)
    except AssertionError as error:
        raise Failed(str(error)) from None
    console.print(f"{kind.__name__} keeps the contract: {len(held)} properties")


def _of_network(what: str) -> Iterable[str]:
    from trained.networks import find_network
    from trained.testing import check_network

    return dict.fromkeys(check_network(find_network(what)))


app = program(check)

if __name__ == "__main__":
    run(app)
