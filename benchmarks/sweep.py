"""A sweep of 24 points on one worker and on two: python benchmarks/sweep.py"""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flowgraphs.experiments.cluster import run_points
from flowgraphs.experiments.plan import grid_points
from sim.world.scenario import Scenario


def main(
    blocks: Annotated[int, typer.Option(help="Coherence blocks of a point.")] = 2500,
    rounds: Annotated[int, typer.Option(help="Rounds; the best of each counts.")] = 2,
):
    """Seconds of the whole sweep, start of the workers included."""
    Scenario().prepare()
    points = grid_points(["wmmse", "zf"], {"antennas": [32, 64], "users": [12, 16]}, 3, blocks, 0.0)
    taken = {1: float("inf"), 2: float("inf")}
    for _ in range(rounds):
        for workers in taken:
            with tempfile.TemporaryDirectory() as folder:
                began = time.monotonic()
                _, errors = run_points(points, Path(folder), Console(quiet=True), workers)
                taken[workers] = min(taken[workers], time.monotonic() - began)
                if errors:
                    raise SystemExit(f"failed: {errors}")
    print(
        f"a sweep of {len(points)} points of {blocks} blocks: {taken[1]:.1f} s on one worker, {taken[2]:.1f} s on two, "
        f"{taken[1] / taken[2]:.2f} times as fast"
    )


if __name__ == "__main__":
    typer.run(main)
