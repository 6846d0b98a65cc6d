"""Keys for sockets that other machines reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blocks.runtime.sockets import make_keys
from flowgraphs.wiring.command_line import program, run


def keygen(folder: Annotated[Path, typer.Argument(help="New folder for the keys.")]):
    """Make CURVE keys for sockets that other machines reach: FOLDER for the side that binds (--curve FOLDER).

    The other side gets client.key_secret and server.key in a folder of its own; clients/ holds the public keys that are let in.
    """
    make_keys(folder)
    typer.echo(f"wrote {folder}; copy client.key_secret and server.key to the machine that connects")


app = program(keygen)

if __name__ == "__main__":
    run(app)
