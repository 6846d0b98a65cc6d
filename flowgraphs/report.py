"""Tables and pictures of weights: their training curves, and what they reach at other powers."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from flowgraphs.wiring.command_line import at_least, run
from flowgraphs.wiring.output_file import OutputFile
from sim.world.scenario import Scenario
from trained.card import Card
from trained.evaluation.curve import draw_curves
from trained.evaluation.mismatch import POWERS_DBM, draw, sweep
from trained.store import find_card, load_network

_PICTURES = (".png", ".svg", ".pdf")
app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich", help=(__doc__ or "").strip()
)


@app.command()
def curve(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of weights, or .json cards.")],
    plot: Annotated[Path, typer.Option(metavar="FILE", help="The .png, .svg or .pdf to draw.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Draw the training curves that cards keep, beside WMMSE and zero forcing on the same test blocks."""
    OutputFile(plot, "--plot", _PICTURES)
    curves = {Path(name).stem: Card.read(find_card(name)).curve for name in names}
    if len({(found["antennas"], found["users"]) for found in curves.values()}) > 1:
        raise ValueError("the cards are for different numbers of antennas or users; draw them apart")
    draw_curves(curves, plot)
    Console(quiet=quiet, highlight=False).print(f"wrote {plot}", soft_wrap=True)


@app.command()
def mismatch(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of weights or files, for one number of antennas.")],
    users: Annotated[int, typer.Option(help="Users K.")] = 16,
    blocks: Annotated[int, typer.Option(help="Coherence blocks for each power.")] = 500,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the curves to this .png, .svg or .pdf.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures to this file too.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Print what weights reach in the default scenario at uplink powers from -20 to 10 dBm."""
    at_least(2, blocks=blocks)
    json_file = None if json is None else OutputFile(json, "--json")
    if plot is not None:
        OutputFile(plot, "--plot", _PICTURES)
    loaded = {Path(name).stem: load_network(name) for name in names}
    made_for = {card.antennas for _, card in loaded.values() if card.antennas is not None}
    if len(made_for) > 1:
        raise ValueError(f"the weights are for antennas={', '.join(map(str, sorted(made_for)))}: give some for one number of antennas")
    scenario = Scenario(antennas=made_for.pop() if made_for else 64, users=users)
    console = Console(quiet=quiet, highlight=False)
    rows = _counted(sweep({name: network for name, (network, _) in loaded.items()}, scenario, blocks), console)
    title = f"M={scenario.antennas}, K={users}, {blocks} blocks on positions never trained on"
    console.print(_mismatch_table(rows, list(loaded), title))
    if plot is not None:
        draw(rows, title, plot)
        console.print(f"wrote {plot}", soft_wrap=True)
    if json_file is not None:
        found = {"antennas": scenario.antennas, "users": users, "blocks": blocks, "rows": rows}
        json_file.write((json_format.dumps(found, indent=2) + "\n").encode())
        console.print(f"wrote {json_file.path}", soft_wrap=True)


def _counted(rows, console):
    """The rows as a list, with a bar on a terminal and a line for each elsewhere."""
    found = []
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=len(POWERS_DBM))
        for row in rows:
            found.append(row)
            bar.advance(task)
            if not console.is_terminal:
                console.print(f"{len(found)}/{len(POWERS_DBM)}  {row['uplink_power_dbm']:g} dBm")
    return found


def _mismatch_table(rows, names, title):
    table = Table(title=title, title_justify="left")
    for column in ("uplink dBm", *names, "ZF, perfect CSI", "LS + ZF"):
        table.add_column(column, justify="right")
    for row in rows:
        cells = [f"{row['networks'][name]['share']:.2%} ± {row['networks'][name]['ci95']:.2%}" for name in names]
        table.add_row(f"{row['uplink_power_dbm']:.0f}", *cells, f"{row['zf_perfect_csi']:.1%}", f"{row['ls_zf_uplink']:.1%}")
    return table


if __name__ == "__main__":
    run(app)
