"""Weights at uplink powers other than those they were trained at: calibeam report mismatch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sim.world.scenario import Scenario
from trained.evaluation.reference import Reference
from trained.evaluation.statistics import share
from trained.evaluation.titles import REFERENCES

POWERS_DBM = (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0)


def sweep(networks: dict, scenario: Scenario, blocks: int) -> Iterator[dict]:
    """For each of POWERS_DBM the share of WMMSE, with its 95 % interval, of each network, and of zero forcing."""
    for power in POWERS_DBM:
        reference = Reference.of(replace(scenario, uplink_power_dbm=power), blocks)
        pairs = {name: share(reference.rate_of(network), reference.wmmse_rate) for name, network in networks.items()}
        shares = {name: {"share": found, "ci95": ci95} for name, (found, ci95) in pairs.items()}
        yield {"uplink_power_dbm": power, "networks": shares, **reference.shares_of_zero_forcing()}


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
    for key, style in (("zf_perfect_csi", "--"), ("ls_zf_uplink", ":")):
        axes.plot(powers, [100 * row[key] for row in rows], color="0.4", linestyle=style, linewidth=1, label=REFERENCES[key])
    axes.set(xlabel="uplink power (dBm)", ylabel="sum rate, % of WMMSE with perfect CSI", title=title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=150)
