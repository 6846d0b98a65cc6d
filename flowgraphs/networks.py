"""What networks there are to train.

python flowgraphs/networks.py
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from flowgraphs.wiring.command_line import program, run
from trained.networks import NETWORKS


def networks():
    """List all networks, of calibeam and of installed packages: what each hears and gives."""
    table = Table(title="networks; a class of your own is given as my.py:Mine", title_justify="left")
    for column in ("name", "hears", "gives", "what it is"):
        table.add_column(column, overflow="fold")
    for name, kind in sorted(NETWORKS.items()):
        table.add_row(name, str(kind.hears), str(kind.gives), (kind.__doc__ or "").strip().splitlines()[0])
    Console().print(table)


app = program(networks)

if __name__ == "__main__":
    run(app)
