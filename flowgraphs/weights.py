"""What weights there are.

python flowgraphs/weights.py
"""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from flowgraphs.wiring.command_line import program, run
from trained.card import Card
from trained.networks import NETWORKS
from trained.store import COMPARED, SHIPPED, known, user_folder


def weights():
    """List all weights that can be given by name: one's own, those that are shipped, and, in a checkout, those of compared methods."""
    table = Table(title="weights; those of one's own hide others of the same name", title_justify="left")
    for column in ("name", "M", "K", "hears", "of WMMSE", "where"):
        table.add_column(column, justify="right" if column in ("M", "K", "of WMMSE") else "left", no_wrap=column == "name")
    places = {user_folder(): "own", SHIPPED: "shipped", COMPARED: "compared"}
    for name, file in known().items():
        try:
            card = Card.read(file)
        except ValueError as error:
            typer.echo(f"note: {error}", err=True)
            continue
        users = f"{card.users[0]}" if len(card.users) == 1 else f"{card.users[0]}-{card.users[-1]}"
        rows = [row for row in card.results["rows"] if "fraction_of_wmmse" in row]
        shares = [row["fraction_of_wmmse"] for row in rows]
        span = "-" if not shares else f"{min(shares):.0%}" if len(shares) == 1 else f"{100 * min(shares):.0f}-{max(shares):.0%}"
        antennas = "any" if card.network in NETWORKS and card.antennas is None else str(card.size["antennas"])
        table.add_row(name, antennas, users, card.hears, span, places.get(file.parent, str(file.parent)))
    Console().print(table)
    typer.echo(f"one's own lie in {user_folder()}")


app = program(weights)

if __name__ == "__main__":
    run(app)
