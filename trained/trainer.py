"""One training run as a Lightning module: network, optimiser, learning rate, and what it needs to go on after a stop."""
from __future__ import annotations

import json
import math
import pickle
import time
from dataclasses import asdict, replace
from pathlib import Path

import lightning
import torch

from sim.channels import downlink_channels, uplink_channels
from sim.rate import sum_rate_torch
from sim.scenario import Scenario
from trained.calibration import Calibration
from trained.drops import Drops
from trained.network import CalibrationNetwork
from trained.papers import PaperConference, PaperJournal, PaperPerfect
from trained.perfect import PerfectCalibration
from trained.settings import Settings


def training_scenario(s: Settings) -> Scenario:
    """The world that a run draws its users from."""
    return Scenario(antennas=s.antennas, users=s.max_users, world=s.world, split="train", seed=s.seed)


def architecture(s: Settings) -> tuple[type[CalibrationNetwork], dict]:
    """Class and arguments of the network that settings ask for."""
    users = tuple(range(s.min_users, s.max_users + 1))
    made: dict[str, tuple[type[CalibrationNetwork], dict]] = {
        "calibrated": (Calibration, {"antennas": s.antennas, "regions": s.regions, "cells": s.cells, "rank": s.rank, "hidden": s.hidden}),
        "calibrated-perfect": (PerfectCalibration, {}),
        "paper-conference": (PaperConference, {"antennas": s.antennas, "pilots": users}),
        "paper-journal": (PaperJournal, {"antennas": s.antennas, "pilots": s.max_users}),
        "paper-journal-perfect": (PaperPerfect, {"antennas": s.antennas})}
    return made[s.network]


def started_network(s: Settings) -> CalibrationNetwork:
    """A network with the weights that training starts from; they depend on the settings alone."""
    torch.manual_seed(s.seed)
    make, arguments = architecture(s)
    network = make(**arguments)
    if s.network == "calibrated-perfect":
        return network
    scenario = training_scenario(s)
    rows, phasors = scenario.positions(), scenario.phasors()
    uplink = torch.from_numpy(uplink_channels(phasors, rows[:, None], s.antennas)[:, :, 0].copy())
    if isinstance(network, Calibration):
        if s.regions * s.cells > len(rows):
            raise ValueError(f"regions={s.regions} with cells={s.cells} each are more than the {len(rows)} training positions")
        downlink = torch.from_numpy(downlink_channels(phasors, rows[:, None], s.antennas)[:, 0].conj())
        positions = torch.from_numpy(scenario.path_table().positions_m[rows]).float()
        network.mixture.start_from(uplink, downlink, positions, torch.Generator().manual_seed(s.seed))
    elif isinstance(network, PaperPerfect):
        network.users.scale.copy_((uplink.real**2 + uplink.imag**2).mean().sqrt())
        if isinstance(network, PaperJournal):
            network.antennas.scale.copy_(network.users.scale * (s.max_users * scenario.uplink_power) ** 0.5)
    return network


_COUNTED = ("steps_done", "seconds", "skipped", "curve")


class Training(lightning.LightningModule):
    """Maximises the mean sum rate over random drops; `steps_done`, `seconds`, `skipped` and `curve` count over all resumptions.

    Step n sees drop n and a learning rate that depends on the progress alone, so a resumed run ends where an
    unbroken one does.
    """

    def __init__(self, settings: Settings):
        super().__init__()
        self.settings = settings
        self.network = started_network(settings)
        self.steps_done, self.seconds, self.skipped = 0, 0.0, 0
        self.curve: list[dict] = []

    @property
    def progress(self) -> float:
        """Share of the budget that is used up, 0 ... 1."""
        s = self.settings
        return min(1.0, self.steps_done / s.steps if s.steps else self.seconds / (60 * s.minutes))

    def configure_optimizers(self):
        mixture = [p for n, p in self.network.named_parameters() if n.startswith("mixture.") and p.requires_grad]
        others = [p for n, p in self.network.named_parameters() if not n.startswith("mixture.")]
        groups = [{"params": others, "share": 1.0}] + [{"params": mixture, "share": self.settings.mixture_rate}] * bool(mixture)
        return torch.optim.Adam(groups, self.settings.learning_rate, betas=(0.9, self.settings.beta2))

    def on_fit_start(self):
        self.drops = Drops(self.settings, training_scenario(self.settings), self.device)

    def on_train_batch_start(self, batch, batch_idx):
        self.began = time.monotonic()
        s, rate = self.settings, self.settings.learning_rate
        if s.schedule == "cosine":
            rate *= min(1.0, (self.steps_done + 1) / s.warmup_steps) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress)))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate * group["share"]

    def training_step(self, batch, batch_idx):
        noise_power = self.drops.scenario.noise_power
        drop = self.drops.drop(self.steps_done, self.network, self.global_rank, self.trainer.world_size)
        v = self.network.precode(drop.heard, drop.estimate_noise, drop.power, noise_power)
        rate = sum_rate_torch(drop.h_dl @ v, noise_power).mean()
        self.log("train_rate", rate.detach(), sync_dist=False)
        return -rate / drop.h_dl.shape[1]

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), math.inf if self.settings.clip is None else self.settings.clip)
        if not torch.isfinite(norm):
            optimizer.zero_grad(set_to_none=True)
            self.skipped += 1

    def optimizer_step(self, *args, **kwargs):
        super().optimizer_step(*args, **kwargs)
        self.steps_done += 1
        self.seconds += time.monotonic() - self.began
        if self.trainer.world_size > 1 and not self.settings.steps:
            self.seconds = self.trainer.strategy.broadcast(self.seconds)

    def on_save_checkpoint(self, checkpoint):
        checkpoint["calibeam"] = {"settings": asdict(self.settings), **{name: getattr(self, name) for name in _COUNTED}}

    def on_load_checkpoint(self, checkpoint):
        for name in _COUNTED:
            setattr(self, name, checkpoint["calibeam"][name])


def check_checkpoint(file: Path, settings: Settings) -> tuple[int, float]:
    """(steps, seconds) that a checkpoint holds. Raises ValueError where it is damaged or of other settings (the budget may differ)."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)["calibeam"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{file} is not a checkpoint of a training run ({reason}); start afresh with --no-resume") from None
    budget = {"minutes": settings.minutes, "steps": settings.steps}
    if json.loads(json.dumps({**state["settings"], **budget})) != json.loads(json.dumps(asdict(settings))):
        raise ValueError(f"{file} was made with the settings {state['settings']}; use the same, or start afresh with --no-resume")
    return state["steps_done"], state["seconds"]


def validation_scenario(s: Settings) -> Scenario:
    """The default scenario on test positions that shows how far a run is."""
    return replace(training_scenario(s), split="test", seed=0, users=min(8, s.max_users))
