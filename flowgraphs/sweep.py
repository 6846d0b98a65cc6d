"""Sweeps of methods over scenario parameters and seeds, on the cores of this machine or on a cluster.

python flowgraphs/sweep.py --method wmmse --method calibrated --set users=2,4,8 --set antennas=32,64 --seeds 3
"""

from __future__ import annotations

import itertools
import json as json_format
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from flowgraphs.experiments.cluster import run_points
from flowgraphs.experiments.points import Point, compared
from flowgraphs.wiring.command_line import run_command
from flowgraphs.wiring.methods import TITLES, make_scenario, wire_method

_KEYS = {"methods": list, "grid": dict, "seeds": int, "blocks": int, "precision": int | float, "reference": str}


def grid_points(methods: list[str], grid: dict[str, list], seeds: int, blocks: int, precision: float) -> list[Point]:
    """Every method at every combination of the grid's values and at seeds 0 ... seeds-1."""
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [Point(m, settings, seed, blocks, precision) for settings in combinations for seed in range(seeds) for m in methods]


def results_table(rows: list[dict], reference: str) -> Table:
    """The rows of `compared` for a terminal."""
    settings = [key for key in rows[0] if key not in ("method", "seeds", "blocks", "rate", "ci95", "share", "share_ci95")]
    table = Table(title=f"sum rate; shares are of {TITLES.get(reference, reference)} on the same blocks", title_justify="left")
    table.add_column("method")
    for column in (*settings, "blocks", "bit/s/Hz", "95 %", "share", "95 %"):
        table.add_column(column, justify="right")
    for row in sorted(rows, key=lambda r: [str(r[key]).rjust(12) for key in settings]):
        share = ("-", "-") if row["share"] is None else (f"{row['share']:.2%}", f"± {row['share_ci95']:.2%}")
        table.add_row(
            TITLES.get(row["method"], row["method"]),
            *(f"{row[key]}" for key in settings),
            str(row["blocks"]),
            f"{row['rate']:.2f}",
            f"± {row['ci95']:.2f}",
            *share,
        )
    return table


def write_results(rows: list[dict], configuration: dict, folder: Path) -> None:
    """results.csv, results.parquet and configuration.json with versions."""
    import pyarrow
    from pyarrow import csv, parquet

    table = pyarrow.Table.from_pylist(rows)
    csv.write_csv(table, folder / "results.csv")
    parquet.write_table(table, folder / "results.parquet")
    (folder / "configuration.json").write_text(json_format.dumps({**configuration, "versions": versions()}, indent=2) + "\n")


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide a result."""
    return {"python": platform.python_version(), **{p: version(p) for p in ("calibeam", "numpy", "numba", "torch", "distributed")}}


def sweep(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Argument(help="YAML with methods, grid, seeds, blocks, precision, reference; options win.")
    ] = None,
    method: Annotated[
        list[str],
        typer.Option(
            help=f"{', '.join(TITLES)}; one of them with @ and weights of its kind; or calibration weights. May be given several times."
        ),
    ] = ["wmmse", "zf", "ls-zf", "calibrated"],  # noqa: B006
    set: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE,VALUE", help="A scenario field and its values, as in antennas=16,64 or uplink_power_dbm=-20,-10."),
    ] = [],  # noqa: B006
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, ... of users and noise for every point.")] = 1,
    blocks: Annotated[int, typer.Option(help="Most coherence blocks of a point.")] = 1000,
    precision: Annotated[
        float, typer.Option(help="Stop a point once the half width of its 95 % interval is below this share of the mean; 0: never.")
    ] = 0.0,
    reference: Annotated[str, typer.Option(help="Method that shares refer to.")] = "wmmse",
    out: Annotated[Path, typer.Option(help="Folder of the points and results; what is there is not run again.")] = Path("out/sweep"),
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = os.cpu_count() or 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler, as tcp://host:8786.")
    ] = None,
    slurm: Annotated[
        int | None, typer.Option(metavar="JOBS", help="Use that many Slurm jobs, as Dask's jobqueue.yaml describes them.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Run every method at every combination of settings; all methods see the same channels and noise.

    Every finished point is written at once, so the same command goes on where a stopped or killed sweep was. A point that fails is told of
    and the others go on; the exit code is then 1.
    """
    given = {
        name
        for name in ("method", "seeds", "blocks", "precision", "reference")
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    }
    plan: dict = {"methods": method, "grid": {}, "seeds": seeds, "blocks": blocks, "precision": precision, "reference": reference}
    if config is not None:
        plan.update({key: value for key, value in read_plan(config).items() if {"methods": "method"}.get(key, key) not in given})
    for text in set:
        name, _, values = text.partition("=")
        plan["grid"][name] = [_value(v) for v in values.split(",")]
    points = grid_points(plan["methods"], plan["grid"], plan["seeds"], plan["blocks"], plan["precision"])
    check(points, plan, workers)
    console = Console(quiet=quiet, highlight=False)
    rates, errors = run_points(points, out / "points", console, workers, scheduler, slurm)
    if rates:
        rows = compared([(p, rates[p.name]) for p in points if p.name in rates], plan["reference"])
        write_results(rows, {**plan, "errors": errors}, out)
        console.print(results_table(rows, plan["reference"]))
        console.print(f"wrote {out}/results.csv, .parquet and configuration.json")
    if errors:
        typer.echo(f"error: {len(errors)} of {len(points)} points failed; the first, {next(iter(errors.items()))}", err=True)
        raise typer.Exit(1)


def check(points: list[Point], plan: dict, workers: int) -> None:
    """Raise ValueError for a plan whose mistakes would show in every point."""
    for name, value, least in [(name, plan[name], 1) for name in ("seeds", "blocks")] + [
        ("workers", workers, 1),
        ("precision", plan["precision"], 0),
    ]:
        if not value >= least:
            raise ValueError(f"{name}={value} has to be at least {least}")
    if not plan["methods"]:
        raise ValueError("there is no method to run")
    for m in dict.fromkeys(p.method for p in points):
        settings = [p.settings for p in points if p.method == m]
        scenario, problem = None, None
        for candidate in settings:
            unknown = [key for key in candidate if not key]
            if unknown:
                raise ValueError("--set wants NAME=VALUE,VALUE")
            try:
                scenario = make_scenario(m, candidate)
                wire_method(m, scenario)
                problem = None
                break
            except (ValueError, FileNotFoundError, TypeError) as error:
                problem = error
        if problem is not None:
            raise ValueError(f"method {m} can run at none of its {len(settings)} points; at the last one: {problem}")


def read_plan(file: Path) -> dict:
    """The plan of a YAML file. Raises ValueError where it is none."""
    try:
        import yaml
    except ImportError as error:
        raise ImportError(f"reading {file} needs more than streaming does ({error}): pip install 'calibeam[cluster]'") from None
    try:
        plan = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(plan, dict) or plan.keys() - _KEYS.keys():
        raise ValueError(f"{file} has to be a map with keys out of {', '.join(_KEYS)}")
    for key, value in plan.items():
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise ValueError(f"{file}: {key}={value!r} has to be of type {getattr(_KEYS[key], '__name__', _KEYS[key])}")
    for name, values in plan.get("grid", {}).items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{file}: grid: {name}={values!r} has to be a list of values")
    return plan


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def main() -> None:
    """Exit code 0, 1 (a point failed), 2 (bad arguments) or 130 (Ctrl-C)."""
    run_command(sweep)


if __name__ == "__main__":
    main()
