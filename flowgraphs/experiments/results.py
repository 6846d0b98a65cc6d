"""The results of points, as a table and as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rich.table import Table

from flowgraphs.experiments.points import Point
from flowgraphs.wiring.methods import title_of
from trained.versions import versions

_FIGURES = ("method", "seeds", "rate", "ci95", "share", "share_ci95")


def results_table(rows: list[dict], reference: str) -> Table:
    """The rows of `compared` for a terminal."""
    shared = any(row["share"] is not None for row in rows)
    every = [key for key in rows[0] if key not in _FIGURES]
    settings = [key for key in every if len({row[key] for row in rows}) > 1]
    same = ", ".join(f"{key}={rows[0][key]}" for key in every if key not in settings)
    title = (
        "sum rate with its 95 % interval"
        + (f" at {same}" if same else "")
        + (f"; shares are of {title_of(reference)}, on the same blocks" if shared else "")
    )
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    for column in (*settings, "bit/s/Hz", *(["share"] if shared else [])):
        table.add_column(column.replace("_", "\n"), justify="right")
    for row in sorted(rows, key=lambda r: [(r[key] is None, r[key]) for key in settings]):
        share = "-" if row["share"] is None else f"{row['share']:.1%} ± {row['share_ci95']:.1%}"
        table.add_row(
            title_of(row["method"]),
            *(f"{row[key]}" for key in settings),
            f"{row['rate']:.2f} ± {row['ci95']:.2f}",
            *([share] if shared else []),
        )
    return table


def write_results(rows: list[dict], configuration: dict, folder: Path) -> None:
    """results.csv, results.parquet and configuration.json with versions."""
    import pyarrow
    from pyarrow import csv, parquet

    table = pyarrow.Table.from_pylist(rows)
    csv.write_csv(table, folder / "results.csv")
    parquet.write_table(table, folder / "results.parquet")
    (folder / "configuration.json").write_text(json.dumps({**configuration, "versions": versions("distributed")}, indent=2) + "\n")


def write_rates(pairs: list[tuple[Point, np.ndarray]], file: Path) -> None:
    """The rate of every coherence block to a Parquet file: method, the settings, seed, block, rate."""
    import pyarrow
    from pyarrow import parquet

    tables = []
    for point, rates in pairs:
        same = {"method": point.method, **point.settings, "seed": point.seed}
        columns = {name: [value] * len(rates) for name, value in same.items()}
        tables.append(pyarrow.table({**columns, "block": np.arange(len(rates)), "rate": rates}))
    parquet.write_table(pyarrow.concat_tables(tables, promote_options="default"), file)
