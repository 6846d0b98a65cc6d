"""Random drops: users, powers and noise of the training steps, synthesised on the training device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sim.channels import channels_torch
from sim.estimation import least_squares_matrix_torch
from sim.units import mw_from_dbm
from trained.networks import Hears, Network
from trained.training.settings import Settings

UPLINK_POWERS_DBM = (-20.0, 10.0)
DOWNLINK_POWERS_DBM = (-5.0, 15.0)


class Drop(NamedTuple):
    """What a network hears, the noise in it (B,), the downlink channel (B, K, M), of users with N antennas (B, K, N, M), and the downlink
    power (B,), mW."""

    heard: Tensor
    estimate_noise: Tensor
    h_dl: Tensor
    power: Tensor


class Drops:
    """The drops of a run. Drop number n is a function of (settings, n) alone, whatever the devices are that share it."""

    def __init__(self, settings: Settings, device: torch.device):
        self.settings, self.scenario, self.device = settings, settings.scenario("train", seed=settings.seed), device
        self.noise_power = self.scenario.noise_power
        phasors = self.scenario.phasors()
        self._phasors: list[Tensor] = []
        if phasors is not None:
            self._phasors = [torch.from_numpy(x).to(device, torch.complex64) for x in (phasors.coefficient, phasors.step)]

    def drop(self, step: int, network: Network, rank: int = 0, ranks: int = 1) -> Drop:
        """Drop number `step` as `network` hears it; the part of process `rank` of `ranks`."""
        s, noise_power, generator = self.settings, self.noise_power, self._generator(step)
        users = int(torch.randint(s.min_users, s.max_users + 1, (), generator=generator))
        mine = slice(rank * s.batch // ranks, (rank + 1) * s.batch // ranks)
        usual = torch.rand(s.batch, generator=generator) < s.default_power_share
        uplink_power = self._powers(self.scenario.uplink_power_dbm, UPLINK_POWERS_DBM, usual, generator)[mine].to(self.device)
        power = self._powers(self.scenario.downlink_power_dbm, DOWNLINK_POWERS_DBM, usual, generator)[mine].to(self.device)
        estimate_noise = noise_power / (uplink_power * users)
        index = range(step * s.batch + mine.start, step * s.batch + mine.stop)
        if network.hears is Hears.CHANNEL:
            antennas = s.antennas
            if network.any_antennas:
                antennas = max(users, antennas >> int(torch.randint(0, 4, (), generator=generator)))
            h_dl = self._downlink(index, users, antennas)
            return Drop(h_dl if h_dl.dim() == 4 else h_dl.mH, estimate_noise, h_dl, power)
        noise = torch.randn((s.batch, s.antennas, users), dtype=torch.complex64, generator=generator)[mine].to(self.device)
        pilots = network.unit_pilots(users)
        heard = self._uplink(index, users) @ pilots * uplink_power.sqrt()[:, None, None] + noise * noise_power**0.5
        if network.hears is Hears.ESTIMATE:
            heard = network.received(heard) @ least_squares_matrix_torch(pilots) / uplink_power.sqrt()[:, None, None]
        return Drop(heard, estimate_noise, self._downlink(index, users, s.antennas), power)

    def _generator(self, step: int) -> torch.Generator:
        return torch.Generator().manual_seed((self.settings.seed << 32) + step)

    def _uplink(self, index: range, users: int) -> Tensor:
        """(B, M, K)"""
        if not self._phasors:
            return torch.from_numpy(self.scenario.uplink(index)[:, :, :users]).to(self.device)
        return self._synthesised(0, index, users, self.settings.antennas).mT

    def _downlink(self, index: range, users: int, antennas: int) -> Tensor:
        """(B, K, M), or (B, K, N, M)"""
        if not self._phasors:
            return torch.from_numpy(self.scenario.downlink(index)[:, :users, ..., :antennas]).to(self.device)
        return self._synthesised(1, index, users, antennas).conj()

    def _synthesised(self, carrier: int, index: range, users: int, antennas: int) -> Tensor:
        coefficient, phase_step = self._phasors
        rows = torch.from_numpy(self.scenario.user_positions(index)[:, :users]).to(self.device)
        return channels_torch(coefficient[carrier][rows], phase_step[carrier][rows], antennas)

    @staticmethod
    def _powers(usual_dbm: float, span_dbm: tuple[float, float], usual: Tensor, generator: torch.Generator) -> Tensor:
        low, high = span_dbm
        drawn = low + (high - low) * torch.rand(len(usual), generator=generator)
        return mw_from_dbm(torch.where(usual, torch.tensor(usual_dbm), drawn)).float()
