"""Sweeps of methods over scenario parameters and seeds, on the cores of this machine or on a cluster.

python flowgraphs/sweep.py --method wmmse --method calibrated --set users=2,4,8 --set antennas=32,64 --seeds 3
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flowgraphs.experiments.cluster import need_cluster, run_points
from flowgraphs.experiments.plan import check, grid_points, parse_grid, plan_folder, read_plan, typed_grid
from flowgraphs.experiments.points import compared
from flowgraphs.experiments.results import results_table, write_rates, write_results
from flowgraphs.wiring.command_line import Failed, at_least, program, run
from flowgraphs.wiring.methods import method_names
from flowgraphs.wiring.options import Given, Options, given_options, refuse, with_options
from flowgraphs.wiring.world_options import PANEL, WorldOptions

_plan, _running, _results = (partial(typer.Option, rich_help_panel=title) for title in ("Plan", "Running", "Results"))


@with_options(world=Options(WorldOptions, PANEL))
def sweep(
    context: typer.Context,
    world: Given[WorldOptions],
    config: Annotated[
        Path | None,
        typer.Argument(metavar="PLAN.yaml", help="methods, grid, seeds, blocks, precision, reference; options win.", show_default=False),
    ] = None,
    method: Annotated[
        list[str],
        _plan(
            metavar="NAME",
            help=f"{', '.join(method_names())}; one of them with @ and weights; weights; or my.py:Mine, a network, or a precoder "
            "block that gets the true channel. May be given several times.",
        ),
    ] = ["wmmse", "zf", "ls-zf", "calibrated"],  # noqa: B006
    set: Annotated[
        list[str],
        _plan(metavar="NAME=VALUE,VALUE", help="A scenario field and its values, as in antennas=16,64 or noise_dbm=-90,-80."),
    ] = [],  # noqa: B006
    seeds: Annotated[int, _plan(help="Seeds 0, 1, ... of users and noise for every point.")] = 1,
    blocks: Annotated[int, _plan(help="Most coherence blocks of a point.")] = 1000,
    precision: Annotated[
        float, _plan(help="Stop a point once the half width of its 95 % interval is below this share of the mean; 0: never.")
    ] = 0.0,
    reference: Annotated[str, _plan(metavar="NAME", help="Method that shares refer to.")] = "wmmse",
    workers: Annotated[int, _running(help="Processes on this machine.", show_default="its cores")] = os.cpu_count() or 1,
    scheduler: Annotated[str | None, _running(metavar="ADDRESS", help="Use the workers of this Dask scheduler: tcp://host:8786.")] = None,
    slurm: Annotated[int | None, _running(metavar="JOBS", help="Use that many Slurm jobs, as Dask's jobqueue.yaml describes them.")] = None,
    out: Annotated[Path, _results(metavar="FOLDER", help="Of all sweeps; points that are there are not run again.")] = Path("out/sweep"),
    name: Annotated[str | None, _results(help="Folder of this sweep's results in it; by default made of the plan.")] = None,
    rates: Annotated[bool, _results("--rates", help="Write rates.parquet, with every coherence block, too.")] = False,
    quiet: Annotated[bool, _results("--quiet", help="Print nothing but errors.")] = False,
):
    """Run every method at every combination of settings; all methods see the same channels and noise.

    Every finished point is written at once, so the same command goes on where a stopped or killed sweep was. A point that fails is told of
    and the others go on; the exit code is then 1.
    """
    given = given_options(context)
    need_cluster(slurm)
    plan: dict = {"methods": method, "grid": {}, "seeds": seeds, "blocks": blocks, "precision": precision, "reference": reference}
    if config is not None:
        plan |= {key: value for key, value in read_plan(config).items() if {"methods": "method"}.get(key, key) not in given}
    plan["grid"] = typed_grid(plan["methods"], plan["grid"] | parse_grid(set))
    if plan["reference"] not in plan["methods"] and "reference" not in given:
        plan["reference"] = next((m for m in plan["methods"] if m.startswith("wmmse")), *plan["methods"][:1])
    if reference not in plan["methods"]:
        refuse(given, ("reference",), f"{reference} is none of the methods of this sweep")
    if scheduler is not None or slurm is not None:
        refuse(given, ("workers",), "the points run elsewhere")
        refuse(given if slurm is not None else (), ("scheduler",), "the points run as Slurm jobs")
    at_least(1, workers=workers, slurm=slurm)
    at_least(0, precision=plan["precision"])
    changes = world.make().changes
    points = grid_points(plan["methods"], plan["grid"], plan["seeds"], plan["blocks"], plan["precision"], changes)
    check(points, plan)
    folder = plan_folder(out, name, plan | ({"world": changes} if changes else {}))
    console = Console(quiet=quiet, highlight=False)
    try:
        found, errors = run_points(points, out / "points", console, workers, scheduler, slurm)
    except KeyboardInterrupt:
        console.print("stopped; the same command goes on from the points that are done")
        raise
    if found:
        pairs = [(p, found[p.name]) for p in points if p.name in found]
        rows = compared(pairs, plan["reference"])
        write_results(rows, {**plan, **({"world": changes} if changes else {}), "errors": errors}, folder)
        if rates:
            write_rates(pairs, folder / "rates.parquet")
        console.print(results_table(rows, plan["reference"]))
        console.print(f"wrote {folder}/results.csv, .parquet{', rates.parquet' if rates else ''} and configuration.json", soft_wrap=True)
    if errors:
        raise Failed(f"{len(errors)} of {len(points)} points failed; the first, {': '.join(next(iter(errors.items())))}")


app = program(sweep)

if __name__ == "__main__":
    run(app)
