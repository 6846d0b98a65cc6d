"""Weights at uplink powers other than those they were trained at: python -m trained.evaluation.mismatch --help."""

from __future__ import annotations

import json as json_format
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sim.world.scenario import Scenario
from trained.evaluation.evaluate import Reference, share_of
from trained.store import load_network

POWERS_DBM = (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0)


def sweep(networks: dict, scenario: Scenario, blocks: int) -> list[dict]:
    """For each uplink power the share of WMMSE, with its 95 % interval, of each network, and of zero forcing."""
    rows = []
    for power in POWERS_DBM:
        reference = Reference.of(replace(scenario, uplink_power_dbm=power), blocks)
        shares = {name: share_of(reference.rate_of(network), reference) for name, network in networks.items()}
        rows.append({"uplink_power_dbm": power, "networks": shares, **reference.shares_of_zero_forcing()})
    return rows


def draw(rows: list[dict], title: str, file: Path) -> None:
    """Share of WMMSE against uplink power, to a .png, .svg or .pdf."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.3), layout="constrained")
    axes = figure.add_subplot()
    powers = [row["uplink_power_dbm"] for row in rows]
    for name, marker in zip(rows[0]["networks"], "os^v", strict=False):
        axes.errorbar(
            powers,
            [100 * row["networks"][name]["share"] for row in rows],
            [100 * row["networks"][name]["ci95"] for row in rows],
            marker=marker,
            capsize=3,
            label=name,
        )
    for key, label, style in (("zf_perfect_csi", "ZF, perfect CSI", "--"), ("ls_zf_uplink", "LS + ZF on the uplink estimate", ":")):
        axes.plot(powers, [100 * row[key] for row in rows], color="0.4", linestyle=style, linewidth=1, label=label)
    axes.set(xlabel="uplink power (dBm)", ylabel="sum rate, % of WMMSE with perfect CSI", title=title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=150)


def main(
    names: Annotated[list[str], typer.Argument(help="Shipped names or .safetensors files, for one number of antennas.")],
    users: Annotated[int, typer.Option(help="Users K.")] = 16,
    blocks: Annotated[int, typer.Option(help="Coherence blocks for each power.")] = 500,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves to this .png, .svg or .pdf.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file too.")] = None,
):
    """Print what weights reach in the default scenario at uplink powers from -20 to 10 dBm."""
    try:
        loaded = {Path(name).stem: load_network(name) for name in names}
        made_for = {card["antennas"] for _, card in loaded.values()} - {None}
        if len(made_for) > 1:
            raise ValueError(f"the weights are for antennas={', '.join(map(str, sorted(made_for)))}: give some for one number of antennas")
        scenario = Scenario(antennas=made_for.pop() if made_for else 64, users=users)
        rows = sweep({name: network for name, (network, _) in loaded.items()}, scenario, blocks)
        title = f"M={scenario.antennas}, K={users}, {blocks} blocks on positions never trained on"
        table = Table(title=title, title_justify="left")
        for column in ("uplink dBm", *loaded, "ZF, perfect CSI", "LS + ZF"):
            table.add_column(column, justify="right")
        for row in rows:
            cells = [f"{share['share']:.2%} ± {share['ci95']:.2%}" for share in row["networks"].values()]
            table.add_row(f"{row['uplink_power_dbm']:.0f}", *cells, f"{row['zf_perfect_csi']:.1%}", f"{row['ls_zf_uplink']:.1%}")
        Console().print(table)
        if plot is not None:
            draw(rows, title, plot)
        if json is not None:
            found = {"antennas": scenario.antennas, "users": users, "blocks": blocks, "rows": rows}
            json.write_text(json_format.dumps(found, indent=2) + "\n")
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
