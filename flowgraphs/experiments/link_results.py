"""What a run of the link has measured: its table, its JSON and its picture."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
from rich.table import Table

from flowgraphs.experiments.rate_plot import rate_plot
from sim.world.scenario import Scenario
from trained.evaluation.statistics import half_width, share
from trained.evaluation.titles import REFERENCES
from trained.versions import versions


class LinkResults:
    """Rates of the link and of what it is compared to.

    rates: {"link" or a key of REFERENCES: (blocks,) bit/s/Hz, or None where there are none}; partial: True where Ctrl-C ended the run.
    """

    def __init__(self, scenario: Scenario, link_title: str, record: dict):
        self.scenario = scenario
        self.titles = {"link": link_title, **REFERENCES}
        self.record = {"scenario": asdict(scenario), **record, "seed": scenario.seed, "versions": versions("pyzmq")}
        self.rates: dict[str, np.ndarray | None] = {}
        self.partial = False

    def json(self, with_rates: bool) -> bytes:
        """The whole configuration and the figures; with_rates: the rate of every coherence block too."""
        rows: dict[str, dict | None] = {method: self._row(method) for method in self.rates}
        for method, row in rows.items():
            found = self.rates[method]
            if with_rates and row is not None and found is not None:
                row["rates"] = found.tolist()
        record = {**self.record, "partial": self.partial, "methods": rows}
        return (json.dumps(record, indent=None if with_rates else 2, default=str) + "\n").encode()

    def plot(self, suffix: str) -> bytes:
        """The distribution of every method's rates."""
        s = self.scenario
        title = f"M = {s.antennas}, K = {s.users}, uplink {s.uplink_power_dbm:g} dBm, downlink {s.downlink_power_dbm:g} dBm"
        return rate_plot(self.rates, self.titles, title, suffix)

    def table(self) -> Table:
        """For a terminal."""
        s, found = self.scenario, self.rates.get("link")
        done = f"{0 if found is None else len(found)} of {self.record['blocks']}" if self.partial else f"{self.record['blocks']}"
        table = Table(title=f"sum rate, M={s.antennas} K={s.users} L={s.pilot_symbols}, {done} blocks", title_justify="left")
        table.add_column("method")
        for column in ("bit/s/Hz", "95 %", "of WMMSE", "95 %"):
            table.add_column(column, justify="right")
        for method in self.rates:
            cells = _cells(self._row(method))
            table.add_row(self.titles[method], *cells, style="bold" if method == "link" else None)
        return table

    def _row(self, method):
        rates, bound = self.rates[method], self.rates.get("wmmse_perfect_csi")
        if rates is None:
            return None
        fraction, fraction_ci95 = (math.nan, math.nan) if bound is None else share(rates, bound)
        row = {"sum_rate": float(rates.mean()), "ci95": half_width(rates), "fraction_of_wmmse": fraction, "fraction_ci95": fraction_ci95}
        return {key: None if math.isnan(value) else value for key, value in row.items()}


def _cells(row):
    if row is None:
        return ("-",) * 4
    formats = {"sum_rate": "{:.2f}", "ci95": "± {:.2f}", "fraction_of_wmmse": "{:.1%}", "fraction_ci95": "± {:.1%}"}
    return tuple("-" if row[key] is None else text.format(row[key]) for key, text in formats.items())
