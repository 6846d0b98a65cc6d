"""Train everything that the published figures compare, each method for the same time at its best rate of three.

python flowgraphs/train_baselines.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flowgraphs.experiments.baselines import NAMES, train_missing
from flowgraphs.wiring.command_line import at_least, program, run
from trained.store import COMPARED


def train_baselines(
    names: Annotated[list[str] | None, typer.Argument(help="What to train; everything that is missing by default.")] = None,
    minutes: Annotated[
        float, typer.Option(help="Training time of a compared network and rate; from pilots nine times as much, calibration three times.")
    ] = 1.0,
    folder: Annotated[Path, typer.Option(help="Where weights and cards go.")] = COMPARED,
    workers: Annotated[int, typer.Option(help="Runs at a time, one thread each.")] = os.cpu_count() or 1,
    logs: Annotated[Path, typer.Option(help="Where logs and the trials of learning rates go.")] = Path("out/training"),
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Train the networks of the published figures: each compared method on the same data, for the same time, at its best rate of three."""
    unknown = set(names or ()) - NAMES.keys()
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: there is no such network; there are {', '.join(NAMES)}")
    at_least(1, workers=workers)
    train_missing(names or list(NAMES), minutes, folder, workers, logs, Console(quiet=quiet, highlight=False))


app = program(train_baselines)

if __name__ == "__main__":
    run(app)
