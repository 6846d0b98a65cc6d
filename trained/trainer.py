"""One training run, step by step."""
from __future__ import annotations

import json
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from sim.channels import downlink_channels, uplink_channels
from sim.rate import sum_rate_torch
from sim.scenario import Scenario
from sim.structured import structured_precoder_torch
from sim.units import mw_from_dbm
from trained.calibration import Calibration
from trained.checkpoint import read_checkpoint, write_checkpoint
from trained.device import usable_device
from trained.perfect import PerfectCalibration
from trained.settings import Settings

UPLINK_POWERS_DBM = (-20.0, 10.0)
DOWNLINK_POWERS_DBM = (-5.0, 15.0)


class Trainer:
    """One training run: the network, its optimiser, and a stream of random drops that depends on (seed, step) alone."""

    def __init__(self, settings: Settings, device: str = "cpu"):
        self.settings, self.device = settings, usable_device(device)
        self.scenario = Scenario(antennas=settings.antennas, users=settings.max_users, world=settings.world, split="train",
                                 seed=settings.seed)
        torch.manual_seed(settings.seed)
        self.network = self._calibration() if settings.csi == "pilots" else PerfectCalibration(settings.hidden)
        self.network.to(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), settings.learning_rate, betas=(0.9, 0.98))
        self.step, self.seconds, self.skipped = 0, 0.0, 0

    def _calibration(self):
        network = Calibration(self.settings.antennas, self.settings.entries, self.settings.hidden)
        rng, positions = np.random.default_rng(self.settings.seed), self.scenario.positions()
        if self.settings.entries > len(positions):
            raise ValueError(f"entries={self.settings.entries} of the dictionary are more than the {len(positions)} training positions")
        places = rng.choice(positions, (1, self.settings.entries), replace=False)
        phasors = self.scenario.phasors()
        uplink = uplink_channels(phasors, places, self.settings.antennas)[0].T
        downlink = downlink_channels(phasors, places, self.settings.antennas)[0].conj()
        network.dictionary.start_from(torch.from_numpy(uplink.copy()), torch.from_numpy(downlink))
        return network

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
        s, noise_power = self.settings, self.scenario.noise_power
        generator = torch.Generator().manual_seed((s.seed << 32) + self.step)
        users = int(torch.randint(s.min_users, s.max_users + 1, (), generator=generator))
        default = torch.rand(s.batch, generator=generator) < s.default_power_share
        uplink_power = self._powers(self.scenario.uplink_power_dbm, UPLINK_POWERS_DBM, default, generator)
        power = self._powers(self.scenario.downlink_power_dbm, DOWNLINK_POWERS_DBM, default, generator).to(self.device)
        index = range(self.step * s.batch, (self.step + 1) * s.batch)
        h_dl = torch.from_numpy(self.scenario.downlink(index)[:, :users]).to(self.device)
        estimate_noise = (noise_power / (uplink_power * users)).to(self.device)
        if s.csi == "pilots":
            x = torch.from_numpy(self.scenario.uplink(index)[:, :, :users])
            noise = torch.randn(x.shape, dtype=x.dtype, generator=generator)
            x = x.to(self.device) + noise.to(self.device) * estimate_noise.sqrt()[:, None, None]
        else:
            antennas = max(users, s.antennas >> int(torch.randint(0, 4, (), generator=generator)))
            h_dl = h_dl[:, :, :antennas]
            x = h_dl.mH
        h, p, q = self.network(x, estimate_noise, power, noise_power)
        return sum_rate_torch(h_dl @ structured_precoder_torch(h, p, q, noise_power), noise_power).mean(), users

    @staticmethod
    def _powers(usual_dbm, span_dbm, default, generator):
        low, high = span_dbm
        drawn = low + (high - low) * torch.rand(len(default), generator=generator)
        return mw_from_dbm(torch.where(default, torch.tensor(usual_dbm), drawn)).float()

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
