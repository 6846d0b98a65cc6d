"""Runs the experiments of the papers' figures and draws them: python flowgraphs/reproduce.py FIGURE [--quick | --full]."""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from flowgraphs.experiments.baselines import NAMES, train_missing
from flowgraphs.experiments.cluster import need_cluster, run_points
from flowgraphs.experiments.draw_figure import draw_figure
from flowgraphs.experiments.figures import FIGURES, Figure
from flowgraphs.experiments.points import Point, compared
from flowgraphs.experiments.results import write_results
from flowgraphs.experiments.running_time import running_times
from flowgraphs.wiring.command_line import Failed, at_least, program, run
from flowgraphs.wiring.methods import make_scenario, wire_method
from flowgraphs.wiring.options import given_options, refuse
from trained.store import COMPARED
from trained.versions import versions

TIMES = "journal-table-3"
EVERY = [*FIGURES, TIMES]
_NARROW = {"calibrated": "cali-brated", "unfolding": "un-folding"}
_SLOW = {"fingerprint": {"quick": 40, "full": 300}}


def figure_points(figure: Figure, effort: str) -> tuple[list[Point], list[str]]:
    """(what a figure runs, what it cannot for want of weights)."""
    points, missing = [], []
    for settings in figure.settings():
        for method in figure.methods:
            try:
                wire_method(method, make_scenario(method, settings))
            except FileNotFoundError:
                missing.append(f"{method} at {', '.join(f'{key}={value:g}' for key, value in settings.items())}")
                continue
            points.append(Point(method, settings, 0, _SLOW.get(method, figure.blocks)[effort]))
    return points, missing


def comparison(figure: Figure, rows: list[dict]) -> list[dict]:
    """Published shares beside ours."""
    found = []
    for printed in figure.printed:
        ours = [r for r in rows if r["method"] == printed.method and all(r[key] == value for key, value in printed.settings.items())]
        if ours and ours[0]["share"] is not None:
            found.append(
                {
                    "method": figure.methods[printed.method],
                    **printed.settings,
                    "of": figure.methods.get(printed.of, printed.of),
                    "published": printed.share,
                    "at_least": printed.at_least,
                    "ours": ours[0]["share"],
                    "ours_ci95": ours[0]["share_ci95"],
                    "ratio": ours[0]["share"] / printed.share,
                }
            )
    return found


def reproduce(
    context: typer.Context,
    figure: Annotated[str, typer.Argument(help=f"{', '.join(EVERY)}, or all.")],
    full: Annotated[
        bool,
        typer.Option(
            "--full/--quick", help="More coherence blocks, and train the networks that are missing; or fewer, with what is there."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder of the results; points that are there are not run again.")] = Path("out/reproduce"),
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = os.cpu_count() or 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler, as tcp://host:8786.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="--full: see python -m flowgraphs.experiments.baselines --help.")] = 1.0,
    weights: Annotated[Path, typer.Option(help="--full: where trained networks go.", show_default="trained/compared")] = COMPARED,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Run a figure's experiment with every method of the paper and draw it.

    Writes FIGURE/results.csv, .parquet, comparison.csv, figure.png, .svg and configuration.json.
    """
    if figure not in (*EVERY, "all"):
        raise ValueError(f"figure={figure!r} is not one of {', '.join(EVERY)}, all")
    at_least(1, workers=workers)
    if not full:
        refuse(given_options(context), ("minutes", "weights"), "networks are trained with --full")
        if scheduler is not None:
            refuse(given_options(context), ("workers",), f"the points run at the scheduler {scheduler}")
    need_cluster()
    console, effort = Console(quiet=quiet, highlight=False), "full" if full else "quick"
    names = EVERY if figure == "all" else [figure]
    if full:
        train_missing(list(NAMES), minutes, weights, workers, Path("out/training"), console)
    plans = {name: figure_points(FIGURES[name], effort) for name in names if name in FIGURES}
    most: dict[str, Point] = {}
    for found, _ in plans.values():
        for point in found:
            if point.name not in most or most[point.name].blocks < point.blocks:
                most[point.name] = point
    points = list(most.values())
    began = time.monotonic()
    rates, errors = run_points(points, out / "points" / effort, console, workers, scheduler) if points else ({}, {})
    for name, (wanted, missing) in plans.items():
        for text in missing:
            console.print(f"{name}: left out, its weights are missing (--full trains them): {text}")
        mine = [(most[p.name], rates[p.name]) for p in wanted if p.name in rates]
        if mine:
            _finish(name, mine, {"figure": name, "effort": effort, "missing": missing}, out / name, console)
    if TIMES in names:
        with console.status("measuring running times"):
            rows = running_times(blocks=20 if full else 5)
        _finish_times(rows, out / TIMES, console)
    console.print(f"{len(points)} points, {time.monotonic() - began:.0f} s; wrote {out}")
    if errors:
        raise Failed(f"{len(errors)} of {len(points)} points failed; the first, {': '.join(next(iter(errors.items())))}")


def _finish(name, found: list[tuple[Point, np.ndarray]], configuration: dict, folder: Path, console: Console) -> None:
    figure = FIGURES[name]
    folder.mkdir(parents=True, exist_ok=True)
    rows = compared(found, figure.reference)
    write_results(
        rows,
        {
            **configuration,
            "source": figure.source,
            "seed": 0,
            "reference": figure.reference,
            "points": [{"method": p.method, **p.settings, "blocks": p.blocks} for p, _ in found],
        },
        folder,
    )
    draw_figure(figure, rows, found, folder / "figure")
    console.print(_figure_table(figure, rows))
    beside = comparison(figure, rows)
    if beside:
        _write_csv(beside, folder / "comparison.csv")
        console.print(_comparison_table(beside, figure.source))


def _figure_table(figure, rows):
    table = Table(title=f"{figure.title}: {figure.source}; bit/s/Hz, and share of {figure.methods[figure.reference]}")
    several = len(figure.panels) > 1
    for column in ([next(iter(figure.panels[0]))] if several else []) + [figure.x]:
        table.add_column(column, justify="right")
    for legend in figure.methods.values():
        table.add_column(legend, justify="right")
    for settings in figure.settings():
        cells = [f"{settings[next(iter(figure.panels[0]))]}"] if several else []
        cells.append(f"{settings[figure.x]:g}")
        for method in figure.methods:
            row = next((r for r in rows if r["method"] == method and all(r[key] == value for key, value in settings.items())), None)
            cells.append("-" if row is None else f"{row['rate']:.1f}" + ("" if row["share"] is None else f" {row['share']:.1%}"))
        table.add_row(*cells)
    return table


def _finish_times(rows, folder, console):
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(rows, folder / "results.csv")
    (folder / "configuration.json").write_text(json.dumps({"figure": TIMES, "versions": versions("distributed")}, indent=2) + "\n")
    table = Table(title="milliseconds per channel, one at a time, one thread (published); speed-up of R-WMMSE", title_justify="left")
    for column in rows[0]:
        if not column.startswith("published"):
            table.add_column(_NARROW.get(column, column).replace("-", "-\n").replace(" ", "\n"), justify="right")
    for row in rows:
        table.add_row(*(_cell(row, column) for column in row if not column.startswith("published")))
    console.print(table)


def _cell(row, column):
    published = row.get(f"published {column}")
    value = row[column]
    text = f"{value:.4f}" if column == "rate ratio" else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return text if published is None else f"{text}\n({published:.3g})"


def _comparison_table(rows, source):
    table = Table(title=f"share of the reference: {source}, and ours", title_justify="left")
    settings = [key for key in rows[0] if key not in ("method", "of", "published", "at_least", "ours", "ours_ci95", "ratio")]
    for column in ("method", *settings, "published", "ours", "95 %", "ratio"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for r in rows:
        table.add_row(
            r["method"],
            *(str(r[key]) for key in settings),
            ("≥ " if r["at_least"] else "") + f"{r['published']:.2%}",
            f"{r['ours']:.2%}",
            f"± {r['ours_ci95']:.2%}",
            f"{r['ratio']:.3f}",
        )
    return table


def _write_csv(rows, file):
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


app = program(reproduce)

if __name__ == "__main__":
    run(app)
