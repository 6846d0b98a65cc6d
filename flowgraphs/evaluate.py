"""What weights reach against WMMSE with perfect CSI, on channels that they never saw.

python flowgraphs/evaluate.py calibrated-m64
"""

from __future__ import annotations

import json as json_format
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flowgraphs.wiring.command_line import program, run
from flowgraphs.wiring.world_options import WorldOptions
from sim.world.room import Room
from trained.evaluation.table import evaluated, off_grid, table_of, table_scenarios
from trained.networks import find_network
from trained.store import load_network
from trained.training.settings import settings_of_card


def evaluate(
    name: Annotated[str, typer.Argument(help="Name or .safetensors file of weights.")],
    blocks: Annotated[int, typer.Option(help="Coherence blocks for each K.")] = 1000,
    users: Annotated[
        list[int] | None, typer.Option(help="Number of users K; may be given several times. Default: those it was trained for.")
    ] = None,
    between: Annotated[
        bool, typer.Option("--off-grid", help="Users anywhere in their areas, instead of the test positions on the 1 cm grid.")
    ] = False,
    network: Annotated[str | None, typer.Option(metavar="FILE.py:CLASS", help="Where a network of your own is.")] = None,
    world: Annotated[str | None, typer.Option(metavar="FILE.py:CLASS", help="The world, where the weights are of one of your own.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the table to this file too.")] = None,
):
    """Print what weights reach for several numbers of users (and of antennas, where they serve any), in the world of their card."""
    if blocks < 2:
        raise ValueError(f"blocks={blocks} has to be at least 2")
    if network is not None:
        find_network(network)
    loaded, card = load_network(name)
    scenario = settings_of_card(card, WorldOptions(world=world).make() if world else None).scenario("test")
    if between:
        if not isinstance(scenario.world, Room):
            raise ValueError(f"--off-grid: the world {type(scenario.world).__name__} has no places but its own; leave it out")
        scenario = replace(scenario, world=off_grid(scenario.world), split="all")
    scenarios = table_scenarios(loaded, scenario, tuple(users) if users else None)
    unserved = [s.users for s in scenarios if not loaded.serves(s.users)]
    if len(unserved) == len(scenarios):
        raise ValueError(f"users={', '.join(map(str, users or unserved))}: {name} serves none of them")
    console = Console()
    with console.status("measuring"):
        rows = evaluated(loaded, scenarios, blocks)
    console.print(table_of(rows, blocks, "off the grid" if between else "never trained on"))
    if json is not None:
        json.write_text(json_format.dumps({"weights": name, "blocks": blocks, "off_grid": between, "rows": rows}, indent=2) + "\n")


app = program(evaluate)

if __name__ == "__main__":
    run(app)
