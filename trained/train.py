"""Train a calibration network end to end on the downlink sum rate: python -m trained.train --help."""
from __future__ import annotations

import platform
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sim.scenario import Scenario
from trained.evaluate import Reference, calibrated_rate, evaluate, scenarios, table_of
from trained.settings import Settings
from trained.trainer import DOWNLINK_POWERS_DBM, UPLINK_POWERS_DBM, Trainer
from trained.weights import FOLDER, save_network

RESULT_BLOCKS = 1000


def card_of(trainer: Trainer, rows: list[dict]) -> dict:
    """The card that lies beside the weights."""
    s = trainer.settings
    arguments = {"antennas": s.antennas, "entries": s.entries, "hidden": s.hidden} if s.csi == "pilots" else {"hidden": s.hidden}
    return {"architecture": {"name": type(trainer.network).__name__, "arguments": arguments},
            "csi": s.csi,
            "antennas": s.antennas if s.csi == "pilots" else None,
            "scenario": asdict(replace(trainer.scenario, split="test", seed=0, users=8)),
            "training": {**asdict(s), "steps_done": trainer.step, "minutes_done": round(trainer.seconds / 60, 2),
                         "steps_skipped": trainer.skipped, "uplink_powers_dbm": UPLINK_POWERS_DBM,
                         "downlink_powers_dbm": DOWNLINK_POWERS_DBM, "device": str(trainer.device),
                         "threads": torch.get_num_threads()},
            "seed": s.seed,
            "split": {"trained_on": "train", "tested_on": "test", "split_seed": trainer.scenario.split_seed,
                      "test_positions": trainer.scenario.test_positions},
            "results": {"blocks": RESULT_BLOCKS, "rows": rows},
            "versions": {"python": platform.python_version(), **{p: version(p) for p in ("calibeam", "torch", "numpy", "numba")}}}


def train(csi: Annotated[str, typer.Option(help="pilots: calibrate uplink estimates; perfect: powers for known channels.")] = "pilots",
          antennas: Annotated[int, typer.Option(help="Base-station antennas M (the most of them, with perfect CSI).")] = 64,
          name: Annotated[str | None, typer.Option(help="Name of the weights; calibrated-mM or calibrated-perfect by default.")] = None,
          folder: Annotated[Path, typer.Option(help="Where weights, card and checkpoint go.")] = FOLDER,
          minutes: Annotated[float, typer.Option(help="Training time.")] = 25.0,
          steps: Annotated[int | None, typer.Option(help="Optimiser steps, instead of a time.")] = None,
          min_users: Annotated[int, typer.Option(help="Fewest users K in a batch.")] = 2,
          max_users: Annotated[int, typer.Option(help="Most users K in a batch.")] = 16,
          batch: Annotated[int, typer.Option(help="Coherence blocks in a batch.")] = 128,
          learning_rate: Annotated[float, typer.Option(help="Peak learning rate of Adam.")] = 1e-3,
          entries: Annotated[int, typer.Option(help="Entries of the dictionary.")] = 2048,
          hidden: Annotated[int, typer.Option(help="Width of the refinement MLP.")] = 512,
          seed: Annotated[int, typer.Option(help="Seed of weights, users and noise.")] = 1,
          deepmimo: Annotated[tuple[Path, Path] | None, typer.Option(metavar="UPLINK_DIR DOWNLINK_DIR",
                                                                     help="DeepMIMO folders instead of the built-in room.")] = None,
          device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
          resume: Annotated[bool, typer.Option(help="Go on from the checkpoint of the same name if there is one.")] = True,
          quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False):
    """Train a calibration network for any number of users; writes NAME.safetensors and NAME.json.

    Users and noise are drawn afresh for every step from the training positions of the room.

    Ctrl-C keeps a checkpoint; the same command goes on from it.
    """
    try:
        folders = None if deepmimo is None else (str(deepmimo[0]), str(deepmimo[1]))
        trainer = Trainer(Settings(csi, antennas, min_users, min(max_users, antennas), minutes, steps, batch, learning_rate,
                                   entries=entries, hidden=hidden, seed=seed, deepmimo=folders), device)
        file = folder / f"{name or (f'calibrated-m{antennas}' if csi == 'pilots' else 'calibrated-perfect')}.safetensors"
        checkpoint = file.with_suffix(".checkpoint")
        console = Console(quiet=quiet)
        if resume and checkpoint.is_file():
            trainer.load_checkpoint(checkpoint)
            console.print(f"going on from step {trainer.step} ({trainer.seconds / 60:.1f} min)")
    except (ValueError, OSError, RuntimeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    try:
        _run(trainer, checkpoint, console)
    except KeyboardInterrupt:
        trainer.save_checkpoint(checkpoint)
        console.print(f"stopped at step {trainer.step}; the same command goes on from {checkpoint}")
        raise typer.Exit(130) from None
    s = trainer.settings
    every = scenarios(s.antennas if s.csi == "pilots" else None, s.world)
    rows = [evaluate(trainer.network, s.csi, scenario, RESULT_BLOCKS) for scenario in every if scenario.antennas <= s.antennas]
    save_network(trainer.network, card_of(trainer, rows), file)
    checkpoint.unlink(missing_ok=True)
    console.print(table_of(rows, RESULT_BLOCKS))
    console.print(f"wrote {file} and its card")


def _run(trainer, checkpoint, console):
    users = min(8, trainer.settings.max_users)
    reference = Reference.of(Scenario(antennas=trainer.settings.antennas, users=users, world=trainer.settings.world), 200)
    goal = reference.wmmse_rate.mean()
    columns = (BarColumn(), TextColumn("step {task.fields[step]}"), TextColumn("{task.fields[test]}"), TimeElapsedColumn(),
               TimeRemainingColumn())
    next_test, live = 0.0, console.is_terminal
    with Progress(*columns, console=console, disable=not live) as bar:
        task = bar.add_task("", total=1.0, step=trainer.step, test="")
        while trainer.progress < 1:
            trainer.train_step()
            if trainer.progress >= next_test:
                next_test = trainer.progress + 0.04
                trainer.save_checkpoint(checkpoint)
                fraction = calibrated_rate(trainer.network, reference, trainer.settings.csi).mean() / goal
                text = f"K={users} test rate {fraction:.1%} of WMMSE"
                bar.update(task, test=text)
                if not live:
                    console.print(f"step {trainer.step}  {trainer.seconds / 60:.1f} min  {text}")
            bar.update(task, completed=trainer.progress, step=trainer.step)


if __name__ == "__main__":
    typer.run(train)
