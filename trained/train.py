"""Train a calibration network end to end on the downlink sum rate: python -m trained.train --help."""
from __future__ import annotations

import json
import math
import platform
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sim.channels import downlink_channels, uplink_channels
from sim.deepmimo import DeepMIMO
from sim.rate import sum_rate_torch
from sim.room import Room
from sim.scenario import Scenario
from sim.structured import structured_precoder_torch
from sim.units import mw_from_dbm
from trained.calibration import Calibration
from trained.checkpoint import read_checkpoint, write_checkpoint
from trained.device import usable_device
from trained.evaluate import Reference, calibrated_rate
from trained.weights import FOLDER, save_network

UPLINK_POWERS_DBM = (-20.0, 10.0)
DOWNLINK_POWERS_DBM = (-5.0, 15.0)


@dataclass(frozen=True)
class Settings:
    """How a network is trained; the budget is `steps` where given, else `minutes`."""

    antennas: int = 64
    min_users: int = 2
    max_users: int = 16
    minutes: float = 25.0
    steps: int | None = None
    batch: int = 256
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    default_power_share: float = 0.7
    entries: int = 2048
    hidden: int = 512
    seed: int = 1
    deepmimo: tuple[str, str] | None = None

    @property
    def world(self) -> Room | DeepMIMO:
        """The built-in room, or a DeepMIMO pair of folders."""
        return Room() if self.deepmimo is None else DeepMIMO(*self.deepmimo)

    def __post_init__(self):
        if not 1 <= self.min_users <= self.max_users <= self.antennas:
            raise ValueError(f"users have to satisfy 1 <= min_users <= max_users <= antennas, got {self.min_users}, "
                             f"{self.max_users}, {self.antennas}")
        if self.steps is None and not self.minutes > 0:
            raise ValueError(f"minutes={self.minutes} has to be above 0")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps={self.steps} has to be at least 1")


class Trainer:
    """One training run: the network, its optimiser, and a stream of random drops that depends on (seed, step) alone."""

    def __init__(self, settings: Settings, device: str = "cpu"):
        self.settings, self.device = settings, usable_device(device)
        self.scenario = Scenario(antennas=settings.antennas, users=settings.max_users, world=settings.world, split="train",
                                 seed=settings.seed)
        torch.manual_seed(settings.seed)
        self.network = Calibration(settings.antennas, settings.entries, settings.hidden)
        self._start_dictionary()
        self.network.to(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate, betas=(0.9, 0.98))
        self.step, self.seconds, self.skipped = 0, 0.0, 0

    def _start_dictionary(self):
        rng, positions = np.random.default_rng(self.settings.seed), self.scenario.positions()
        if self.settings.entries > len(positions):
            raise ValueError(f"entries={self.settings.entries} of the dictionary are more than the {len(positions)} training positions")
        places = rng.choice(positions, (1, self.settings.entries), replace=False)
        phasors = self.scenario.phasors()
        uplink = uplink_channels(phasors, places, self.settings.antennas)[0].T
        downlink = downlink_channels(phasors, places, self.settings.antennas)[0].conj()
        self.network.dictionary.start_from(torch.from_numpy(uplink.copy()), torch.from_numpy(downlink))

    @property
    def progress(self) -> float:
        """Share of the budget that is used up, 0 ... 1."""
        s = self.settings
        return min(1.0, self.step / s.steps if s.steps else self.seconds / (60 * s.minutes))

    def train_step(self) -> float:
        """One optimiser step on a fresh batch; the batch's mean sum rate. Skips a step whose gradient is not finite."""
        began = time.monotonic()
        s = self.settings
        for group in self.optimizer.param_groups:
            warm = min(1.0, (self.step + 1) / s.warmup_steps)
            group["lr"] = s.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress)))
        self.network.train()
        rate, users = self._rate_of_drop()
        self.optimizer.zero_grad(set_to_none=True)
        (-rate / users).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimizer.step()
        else:
            self.skipped += 1
        self.step += 1
        self.seconds += time.monotonic() - began
        return float(rate.detach())

    def _rate_of_drop(self):
        s = self.settings
        generator = torch.Generator().manual_seed((s.seed << 32) + self.step)
        users = int(torch.randint(s.min_users, s.max_users + 1, (), generator=generator))
        h_ul, h_dl = self.scenario.channels(range(self.step * s.batch, (self.step + 1) * s.batch))
        default = torch.rand(s.batch, generator=generator) < s.default_power_share
        powers = []
        for usual, (low, high) in ((self.scenario.uplink_power_dbm, UPLINK_POWERS_DBM),
                                   (self.scenario.downlink_power_dbm, DOWNLINK_POWERS_DBM)):
            drawn = low + (high - low) * torch.rand(s.batch, generator=generator)
            powers.append(mw_from_dbm(torch.where(default, torch.tensor(usual), drawn)).float())
        noise_power = self.scenario.noise_power
        estimate_noise_power = noise_power / (powers[0] * users)
        x = torch.from_numpy(h_ul[:, :, :users])
        x = x + torch.randn(x.shape, dtype=x.dtype, generator=generator) * estimate_noise_power.sqrt()[:, None, None]
        device = self.device
        downlink_power = powers[1].to(device)
        h, p, q = self.network(x.to(device), estimate_noise_power.to(device), downlink_power, noise_power)
        g = torch.from_numpy(h_dl[:, :users]).to(device) @ structured_precoder_torch(h, p, q, noise_power)
        return sum_rate_torch(g, noise_power).mean(), users

    def save_checkpoint(self, file: Path) -> None:
        """Everything that `load_checkpoint` needs to go on as if nothing had happened."""
        write_checkpoint(file, self.network, self.optimizer, {"settings": asdict(self.settings), "step": self.step,
                                                             "seconds": self.seconds, "skipped": self.skipped})

    def load_checkpoint(self, file: Path) -> None:
        """Go on from a checkpoint. Raises ValueError where it was made with other settings (the budget may differ)."""
        state = read_checkpoint(file, self.network, self.optimizer)
        budget = {"minutes": self.settings.minutes, "steps": self.settings.steps}
        if {**state["settings"], **budget} != json.loads(json.dumps(asdict(self.settings))):
            raise ValueError(f"{file} was made with the settings {state['settings']}; "
                             "use the same, or start afresh with --no-resume")
        self.step, self.seconds, self.skipped = state["step"], state["seconds"], state["skipped"]


def results(network, settings: Settings, users=(2, 4, 8, 10, 16), blocks: int = 1000) -> dict:
    """Rate against WMMSE on test positions for each K: {K: {sum_rate, ci95, wmmse, fraction_of_wmmse}}."""
    table = {}
    scenario = Scenario(antennas=settings.antennas, users=1, world=settings.world)
    for k in [k for k in users if k <= min(settings.antennas, len(scenario.positions()))]:
        reference = Reference.of(replace(scenario, users=k), blocks)
        rate = calibrated_rate(network, reference)
        table[str(k)] = {"sum_rate": float(rate.mean()), "ci95": float(1.96 * rate.std(ddof=1) / math.sqrt(blocks)),
                         "wmmse": float(reference.wmmse_rate.mean()),
                         "fraction_of_wmmse": float(rate.mean() / reference.wmmse_rate.mean())}
    return table


def card_of(trainer: Trainer, table: dict) -> dict:
    """The card that lies beside the weights."""
    s = trainer.settings
    scenario = asdict(replace(trainer.scenario, split="test", seed=0, users=8))
    return {"architecture": {"name": "Calibration",
                             "arguments": {"antennas": s.antennas, "entries": s.entries, "hidden": s.hidden}},
            "scenario": scenario,
            "training": {**asdict(s), "steps_done": trainer.step, "minutes_done": round(trainer.seconds / 60, 2),
                         "steps_skipped": trainer.skipped, "uplink_powers_dbm": UPLINK_POWERS_DBM,
                         "downlink_powers_dbm": DOWNLINK_POWERS_DBM, "device": str(trainer.device),
                         "threads": torch.get_num_threads()},
            "seed": s.seed,
            "split": {"trained_on": "train", "tested_on": "test", "split_seed": trainer.scenario.split_seed,
                      "test_positions": trainer.scenario.test_positions},
            "results": {"blocks": 1000, "csi": "uplink pilots only", "by_users": table},
            "versions": {"python": platform.python_version(), **{p: version(p) for p in ("calibeam", "torch", "numpy", "numba")}}}


def train(antennas: Annotated[int, typer.Option(help="Base-station antennas M.")] = 64,
          name: Annotated[str | None, typer.Option(help="Name of the weights; calibrated-mM by default.")] = None,
          folder: Annotated[Path, typer.Option(help="Where weights, card and checkpoint go.")] = FOLDER,
          minutes: Annotated[float, typer.Option(help="Training time.")] = 25.0,
          steps: Annotated[int | None, typer.Option(help="Optimiser steps, instead of a time.")] = None,
          min_users: Annotated[int, typer.Option(help="Fewest users K in a batch.")] = 2,
          max_users: Annotated[int, typer.Option(help="Most users K in a batch.")] = 16,
          batch: Annotated[int, typer.Option(help="Coherence blocks in a batch.")] = 256,
          learning_rate: Annotated[float, typer.Option(help="Peak learning rate of Adam.")] = 1e-3,
          entries: Annotated[int, typer.Option(help="Entries of the dictionary.")] = 2048,
          hidden: Annotated[int, typer.Option(help="Width of the refinement MLP.")] = 512,
          seed: Annotated[int, typer.Option(help="Seed of weights, users and noise.")] = 1,
          deepmimo: Annotated[tuple[Path, Path] | None, typer.Option(metavar="UPLINK_DIR DOWNLINK_DIR",
                                                                     help="DeepMIMO folders instead of the built-in room.")] = None,
          device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
          resume: Annotated[bool, typer.Option(help="Go on from the checkpoint of the same name if there is one.")] = True,
          quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False):
    """Train a calibration network for M antennas and any number of users; writes NAME.safetensors and NAME.json.

    Users and noise are drawn afresh for every step from the training positions of the room.

    Ctrl-C keeps a checkpoint; the same command goes on from it.
    """
    try:
        trainer = Trainer(Settings(antennas=antennas, min_users=min_users, max_users=min(max_users, antennas), minutes=minutes,
                                   steps=steps, batch=batch, learning_rate=learning_rate, entries=entries, hidden=hidden,
                                   seed=seed, deepmimo=None if deepmimo is None else (str(deepmimo[0]), str(deepmimo[1]))), device)
        file = folder / f"{name or f'calibrated-m{antennas}'}.safetensors"
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
    table = results(trainer.network, trainer.settings)
    save_network(trainer.network, card_of(trainer, table), file)
    checkpoint.unlink(missing_ok=True)
    for users, row in table.items():
        console.print(f"K={users:>2}  {row['sum_rate']:.2f} ± {row['ci95']:.2f} bit/s/Hz  {row['fraction_of_wmmse']:.1%} of WMMSE")
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
                fraction = calibrated_rate(trainer.network, reference).mean() / goal
                text = f"K={users} test rate {fraction:.1%} of WMMSE"
                bar.update(task, test=text)
                if not live:
                    console.print(f"step {trainer.step}  {trainer.seconds / 60:.1f} min  {text}")
            bar.update(task, completed=trainer.progress, step=trainer.step)


if __name__ == "__main__":
    typer.run(train)
