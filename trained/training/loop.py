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
from sim.world.scenario import Scenario
from trained.evaluation.evaluate import Reference
from trained.networks.calibrated import Calibration
from trained.networks.calibrated_perfect import PerfectCalibration
from trained.networks.channel_mapping import ChannelMapping
from trained.networks.data_driven import DataDriven, DataDrivenPerfect, DataDrivenPilots
from trained.networks.network import CalibrationNetwork
from trained.networks.papers import PaperConference, PaperJournal, PaperPerfect
from trained.networks.unfolding import Unfolding
from trained.training.drops import Drops
from trained.training.rayleigh import RayleighDrops, RayleighReference, rayleigh_scenario
from trained.training.settings import FIXED_USERS, RAYLEIGH, Settings


def training_scenario(s: Settings) -> Scenario:
    """The world that a run draws its users from."""
    return Scenario(
        antennas=s.antennas, users=s.max_users, world=s.world, downlink_power_dbm=s.downlink_power_dbm, split="train", seed=s.seed
    )


def architecture(s: Settings) -> tuple[type[CalibrationNetwork], dict]:
    """Class and arguments of the network that settings ask for."""
    users = tuple(range(s.min_users, s.max_users + 1))
    made: dict[str, tuple[type[CalibrationNetwork], dict]] = {
        "calibrated": (Calibration, {"antennas": s.antennas, "regions": s.regions, "cells": s.cells, "rank": s.rank, "hidden": s.hidden}),
        "calibrated-perfect": (PerfectCalibration, {}),
        "paper-conference": (PaperConference, {"antennas": s.antennas, "pilots": users}),
        "paper-journal": (PaperJournal, {"antennas": s.antennas, "pilots": s.max_users}),
        "paper-journal-perfect": (PaperPerfect, {"antennas": s.antennas}),
        "channel-mapping": (ChannelMapping, {"antennas": s.antennas}),
        "data-driven": (DataDrivenPilots, {"antennas": s.antennas, "users": s.max_users}),
        "data-driven-perfect": (DataDrivenPerfect, {"antennas": s.antennas, "users": s.max_users}),
        "unfolding": (Unfolding, {"antennas": s.antennas, "users": s.max_users, "layers": s.layers}),
    }
    mimo = {"antennas": s.antennas, "users": s.max_users, "user_antennas": s.user_antennas, "streams": s.user_antennas}
    made |= {"data-driven-mimo": (DataDrivenPerfect, mimo), "unfolding-mimo": (Unfolding, {**mimo, "layers": s.layers})}
    return made[s.network]


def started_network(s: Settings) -> CalibrationNetwork:
    """A network with the weights that training starts from; they depend on the settings alone."""
    torch.manual_seed(s.seed)
    make, arguments = architecture(s)
    network = make(**arguments)
    if s.network == "calibrated-perfect":
        return network
    if isinstance(network, Unfolding | DataDriven):
        network.start_from(*_examples(s))
        if isinstance(network, Unfolding) and s.start == "rzf":
            network.start_at_zero_forcing()
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


def _examples(s, blocks=256):
    """Channels (B, K, N, M) in units in which power and noise are 1, and what a data-driven network hears of them (B, M, columns)."""
    if s.network in RAYLEIGH:
        scenario = rayleigh_scenario(s, s.seed + 1)
        h = torch.from_numpy(scenario.channels(range(blocks))) * scenario.power**0.5
        return h, h.flatten(1, 2).mT
    room = training_scenario(s)
    uplink, downlink = (torch.from_numpy(h) for h in room.channels(range(blocks)))
    h = downlink[:, :, None] * (room.downlink_power / room.noise_power) ** 0.5
    return h, h.flatten(1, 2).mT if s.network != "data-driven" else uplink * (room.uplink_power * s.max_users) ** 0.5


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
        rayleigh = self.settings.network in RAYLEIGH
        self.drops = (
            RayleighDrops(self.settings, self.device) if rayleigh else Drops(self.settings, training_scenario(self.settings), self.device)
        )

    def on_train_batch_start(self, batch, batch_idx):
        self.began = time.monotonic()
        s, rate = self.settings, self.settings.learning_rate
        if s.schedule == "cosine":
            rate *= min(1.0, (self.steps_done + 1) / s.warmup_steps) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress)))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate * group["share"]

    def training_step(self, batch, batch_idx):
        drop = self.drops.drop(self.steps_done, self.network, self.global_rank, self.trainer.world_size)
        loss = self.network.loss(drop, self.drops.noise_power, self.progress)
        self.log("loss", loss.detach(), sync_dist=False)
        return loss

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


def validation_reference(s: Settings, blocks: int) -> Reference | RayleighReference:
    """Test channels that show how far a run is, with WMMSE on them."""
    if s.network in RAYLEIGH:
        return RayleighReference.of(rayleigh_scenario(s), blocks)
    users = s.max_users if s.network in FIXED_USERS else min(8, s.max_users)
    return Reference.of(replace(training_scenario(s), split="test", seed=0, users=users), blocks)
