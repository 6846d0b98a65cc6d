"""The table of a set of weights: what they reach for several numbers of users, on test channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from rich.table import Table

from sim.world.path_table import PathTable
from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.tracer import trace
from trained.evaluation.reference import REFERENCE_ITERATIONS, Reference
from trained.evaluation.statistics import half_width, share
from trained.networks import Network

USERS = (2, 4, 8, 10, 16)
ANTENNAS = (16, 32, 64, 128)


def row_of(network: Network, reference: Reference) -> dict[str, Any]:
    """Mean sum rate with its 95 % interval, and shares of WMMSE (the network's with an interval), on a reference's channels."""
    rate, s = reference.rate_of(network), reference.scenario
    of_wmmse, ci95 = share(rate, reference.wmmse_rate)
    return {
        "antennas": s.antennas,
        "users": s.users,
        "sum_rate": float(rate.mean()),
        "ci95": half_width(rate),
        "wmmse": float(reference.wmmse_rate.mean()),
        "fraction_of_wmmse": of_wmmse,
        "fraction_ci95": ci95,
        **reference.shares_of_zero_forcing(),
    }


def evaluated(network: Network, scenarios: list[Scenario], blocks: int) -> list[dict[str, Any]]:
    """A row for each scenario; one that fails has its sizes and the reason under "failed" alone, so that the others are not lost."""
    rows = []
    for s in scenarios:
        try:
            if not network.serves(s.users):
                raise ValueError(f"{network.name} does not serve users={s.users}")
            rows.append(row_of(network, Reference.of(s, blocks)))
        except (ValueError, RuntimeError, ArithmeticError, MemoryError) as error:
            rows.append({"antennas": s.antennas, "users": s.users, "failed": (str(error) or type(error).__name__).splitlines()[0]})
    return rows


def table_scenarios(network: Network, scenario: Scenario, users: tuple[int, ...] | None = None) -> list[Scenario]:
    """The scenarios of a network's table: for each K out of USERS that it was trained for (or `users`), and each M where it serves any."""
    size = network.size
    if users is None:
        trained_for = range(size.min_users, size.max_users + 1)
        users = tuple(sorted({k for k in USERS if k in trained_for} | {size.max_users}))
    antennas = [m for m in ANTENNAS if m <= size.antennas] or [size.antennas] if network.any_antennas else [size.antennas]
    return [replace(scenario, antennas=m, users=k) for m in antennas for k in users if k * size.streams <= m]


def off_grid(room: Room, count: int = 4000, seed: int = 0) -> PathTable:
    """Paths of `count` places anywhere in the user areas, between the grid points too."""
    return trace(room, room.random_positions(count, np.random.default_rng(seed)))


def table_of(rows: list[dict[str, Any]], blocks: int, where: str = "never trained on") -> Table:
    """The rows of `evaluated` for a terminal."""
    table = Table(title=f"{blocks} blocks, {where}; WMMSE: perfect CSI, {REFERENCE_ITERATIONS} iterations", title_justify="left")
    for column in ("M", "K", "bit/s/Hz", "95 %", "of WMMSE", "95 %", "ZF (CSI)", "LS + ZF"):
        table.add_column(column, justify="right")
    for r in rows:
        if "failed" in r:
            table.add_row(str(r["antennas"]), str(r["users"]), *["-"] * 6)
            continue
        zero_forcing_shares = ("-" if r[name] is None else f"{r[name]:.1%}" for name in ("zf_perfect_csi", "ls_zf_uplink"))
        interval, fraction = f"± {r['ci95']:.2f}", f"± {r['fraction_ci95']:.2%}"
        row = (f"{r['sum_rate']:.2f}", interval, f"{r['fraction_of_wmmse']:.2%}", fraction)
        table.add_row(str(r["antennas"]), str(r["users"]), *row, *zero_forcing_shares)
    reasons = [f"M={r['antennas']}, K={r['users']}: {r['failed']}" for r in rows if "failed" in r]
    table.caption = "\n".join(reasons) or None
    return table
