"""What a flowgraph script shows while it runs, and what it writes when it is done."""

from __future__ import annotations

import json
import platform
import time
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from blocks import BlockError, Flowgraph
from sim.world.scenario import Scenario

TITLES = {
    "link": "this link",
    "wmmse_perfect_csi": "WMMSE, perfect CSI",
    "zf_perfect_csi": "ZF, perfect CSI",
    "ls_zf_uplink": "LS + ZF on the uplink estimate",
}
METHODS = tuple(TITLES)
COLOURS = {"link": "#D55E00", "wmmse_perfect_csi": "#000000", "zf_perfect_csi": "#0072B2", "ls_zf_uplink": "#009E73"}
LINES = {"link": "-", "wmmse_perfect_csi": "--", "zf_perfect_csi": "-.", "ls_zf_uplink": ":"}
_EVERY_S = 0.25
_PLAIN_EVERY_S = 5.0


class Report:
    """Runs flowgraphs with a live display, then prints the table and writes the JSON and the plot."""

    def __init__(self, scenario: Scenario, json_file: Path | None, plot_file: Path | None, quiet: bool):
        for file in filter(None, (json_file, plot_file)):
            if not file.parent.is_dir():
                raise FileNotFoundError(f"cannot write {file}: there is no folder {file.parent}")
        if plot_file is not None and plot_file.suffix not in (".png", ".svg", ".pdf"):
            raise ValueError(f"--plot {plot_file}: the name has to end in .png, .svg or .pdf")
        self.scenario, self.json_file, self.plot_file = scenario, json_file, plot_file
        self.console = Console(quiet=quiet, highlight=False)
        self.rates: dict[str, np.ndarray | None] = {}
        self.record: dict = {}

    @contextmanager
    def task(self, text: str):
        """Show a spinner while something takes its time; without a terminal, a line when it took long."""
        began = time.monotonic()
        with self.console.status(text) if self.console.is_terminal else _nothing():
            yield
        if time.monotonic() - began > 2:
            self.console.print(f"{text}: {time.monotonic() - began:.1f} s")

    def note(self, text: str) -> None:
        """Tell something that the user should know."""
        self.console.print(f"note: {text}")

    def link(self, fg: Flowgraph, streaming: dict, choices: dict) -> None:
        """Run the link under test and keep its rates, speed and latency."""
        [(sink, result)] = self._stream(fg, streaming, TITLES["link"]).items()
        metrics = fg.metrics()
        self.rates["link"] = result["rates"]
        self.record = {
            "scenario": asdict(self.scenario),
            "graph": {"connections": fg.draw().splitlines(), **choices, **streaming},
            "seed": self.scenario.seed,
            "blocks": streaming["blocks"],
            "methods": {},
            "throughput_blocks_per_s": streaming["blocks"] / fg.elapsed_s,
            "latency_ms": metrics[sink].get("latency_ms"),
            "metrics": metrics,
            "versions": {"python": platform.python_version(), **{p: version(p) for p in ("calibeam", "numpy", "numba", "torch", "pyzmq")}},
        }

    def references(self, references: dict[str, Flowgraph], streaming: dict) -> None:
        """Run the reference methods and keep their rates; one that fails is told of and leaves a gap in the table."""
        for method in METHODS[1:]:
            self.rates[method] = None
            if method not in references:
                continue
            try:
                [result] = self._stream(references[method], streaming, TITLES[method]).values()
                self.rates[method] = result["rates"]
            except BlockError as error:
                self.note(f"{TITLES[method]}: {error.reason}")

    def finish(self) -> None:
        """Print the table; write what was asked for."""
        bound = self.rates.get("wmmse_perfect_csi")
        for method, rates in self.rates.items():
            self.record["methods"][method] = None if rates is None else _summary(rates, bound)
        self.console.print(self._table())
        latency = self.record["latency_ms"]
        self.console.print(
            f"{self.record['throughput_blocks_per_s']:,.0f} blocks/s; pilot to rate of one frame: "
            f"p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms"
        )
        if self.json_file:
            self.json_file.write_text(json.dumps(self.record, indent=2) + "\n")
            self.console.print(f"wrote {self.json_file}")
        if self.plot_file:
            self._plot(self.plot_file)
            self.console.print(f"wrote {self.plot_file}")

    def _stream(self, fg, streaming, what):
        printed = time.monotonic()
        terminal = self.console.is_terminal and not self.console.quiet
        with Live(console=self.console, transient=True, auto_refresh=False) if terminal else _nothing() as live, fg.start(**streaming):
            while not fg.ended(_EVERY_S):
                if terminal:
                    live.update(_progress(fg, streaming["blocks"], what), refresh=True)
                elif time.monotonic() - printed > _PLAIN_EVERY_S:
                    printed = time.monotonic()
                    self.console.print(_line(fg, streaming["blocks"], what))
            return fg.wait()

    def _table(self):
        s = self.scenario
        title = f"sum rate, M={s.antennas} K={s.users} L={s.pilot_symbols}, {self.record['blocks']} blocks"
        table = Table(title=title, title_justify="left")
        table.add_column("method")
        for column in ("bit/s/Hz", "95 % interval", "of WMMSE"):
            table.add_column(column, justify="right")
        for method, row in self.record["methods"].items():
            if row is None:
                table.add_row(TITLES[method], "-", "-", "-")
                continue
            interval = "-" if row["ci95"] is None else f"± {row['ci95']:.2f}"
            fraction = "-" if row["fraction_of_wmmse"] is None else f"{row['fraction_of_wmmse']:.1%}"
            table.add_row(TITLES[method], f"{row['sum_rate']:.2f}", interval, fraction, style="bold" if method == "link" else None)
        return table

    def _plot(self, file):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        for method, rates in self.rates.items():
            if rates is not None:
                axes.plot(
                    np.sort(rates),
                    (np.arange(len(rates)) + 1) / len(rates),
                    LINES[method],
                    color=COLOURS[method],
                    label=f"{TITLES[method]} (mean {rates.mean():.1f})",
                    linewidth=2 if method == "link" else 1.5,
                )
        s = self.scenario
        axes.set(
            xlabel="sum rate (bit/s/Hz)",
            ylabel="share of coherence blocks below",
            ylim=(0, 1),
            title=f"M = {s.antennas}, K = {s.users}, uplink {s.uplink_power_dbm:g} dBm, downlink {s.downlink_power_dbm:g} dBm",
        )
        axes.grid(alpha=0.3)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
        figure.savefig(file, dpi=150)


def _summary(rates, bound):
    return {
        "sum_rate": float(rates.mean()),
        "ci95": float(1.96 * rates.std(ddof=1) / np.sqrt(len(rates))) if len(rates) > 1 else None,
        "fraction_of_wmmse": None if bound is None or not bound.any() else float(rates.mean() / bound.mean()),
    }


def _progress(fg, blocks, what):
    elapsed = max(fg.elapsed_s, 1e-9)
    metrics = fg.metrics()
    done = min((m.get("blocks", 0) for m in metrics.values()), default=0)
    table = Table(
        title=f"{what}: {done}/{blocks} blocks, {done / elapsed:,.0f} blocks/s" if fg.elapsed_s else f"{what}: starting",
        title_justify="left",
    )
    for column in ("block", "blocks", "busy", "queue", "rate"):
        table.add_column(column, justify="left" if column == "block" else "right")
    for name, m in metrics.items():
        rate = m.get("report", {}).get("sum_rate")
        table.add_row(
            name,
            str(m.get("blocks", 0)),
            f"{min(1.0, m.get('busy_s', 0.0) / elapsed):.0%}",
            str(m.get("queue", 0)),
            "" if rate is None else f"{rate:.2f}",
        )
    return table


def _line(fg, blocks, what):
    metrics = fg.metrics()
    done = min((m.get("blocks", 0) for m in metrics.values()), default=0)
    rates = [m["report"]["sum_rate"] for m in metrics.values() if "sum_rate" in m.get("report", {})]
    speed = f"{done / max(fg.elapsed_s, 1e-9):,.0f} blocks/s"
    return f"{what}: {done}/{blocks} blocks, {speed}" + (f", {rates[0]:.2f} bit/s/Hz" if rates else "")


@contextmanager
def _nothing():
    yield None
