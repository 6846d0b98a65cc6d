"""Random drops: users, powers and noise of the training steps, synthesised on the training device."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sim.channels import channels_torch
from sim.estimation import least_squares_matrix_torch
from sim.units import mw_from_dbm
from sim.world.scenario import Scenario
from trained.networks.network import CalibrationNetwork
from trained.training.settings import Settings

UPLINK_POWERS_DBM = (-20.0, 10.0)
DOWNLINK_POWERS_DBM = (-5.0, 15.0)


class Drop(NamedTuple):
    """What a network hears (B, M, K or L), the noise in it (B,), the downlink channel (B, K, M) and the downlink power (B,), mW."""

    heard: Tensor
    estimate_noise: Tensor
    h_dl: Tensor
    power: Tensor


class Drops:
    """The drops of a run. Drop number n is a function of (settings, n) alone, whatever the devices are that share it."""

    def __init__(self, settings: Settings, scenario: Scenario, device: torch.device):
        self.settings, self.scenario, self.device = settings, scenario, device
        phasors = scenario.phasors()
        self.noise_power = scenario.noise_power
        self.coefficient, self.phase_step = (torch.from_numpy(x).to(device, torch.complex64) for x in (phasors.coefficient, phasors.step))

    def drop(self, step: int, network: CalibrationNetwork, rank: int = 0, ranks: int = 1) -> Drop:
        """Drop number `step` as `network` hears it; the part of process `rank` of `ranks`."""
        s, noise_power, generator = self.settings, self.noise_power, self._generator(step)
        users = int(torch.randint(s.min_users, s.max_users + 1, (), generator=generator))
        mine = slice(rank * s.batch // ranks, (rank + 1) * s.batch // ranks)
        usual = torch.rand(s.batch, generator=generator) < s.default_power_share
        uplink_power = self._powers(self.scenario.uplink_power_dbm, UPLINK_POWERS_DBM, usual, generator)[mine].to(self.device)
        power = self._powers(self.scenario.downlink_power_dbm, DOWNLINK_POWERS_DBM, usual, generator)[mine].to(self.device)
        estimate_noise = noise_power / (uplink_power * users)
        rows = torch.from_numpy(self.scenario.user_positions(range(step * s.batch, (step + 1) * s.batch))[mine, :users]).to(self.device)
        if network.csi != "perfect":
            noise = torch.randn((s.batch, s.antennas, users), dtype=torch.complex64, generator=generator)[mine].to(self.device)
            pilots = network.unit_pilots(users)
            y = self._channels(0, rows, s.antennas).mT @ pilots * uplink_power.sqrt()[:, None, None] + noise * noise_power**0.5
            heard = y
            if network.csi == "pilots":
                heard = network.received(y) @ least_squares_matrix_torch(pilots) / uplink_power.sqrt()[:, None, None]
            h_dl = self._channels(1, rows, s.antennas).conj()
        else:
            antennas = s.antennas
            if s.network == "calibrated-perfect":
                antennas = max(users, antennas >> int(torch.randint(0, 4, (), generator=generator)))
            h_dl = self._channels(1, rows, antennas).conj()
            heard = h_dl.mH
        return Drop(heard, estimate_noise, h_dl, power)

    def _generator(self, step):
        return torch.Generator().manual_seed((self.settings.seed << 32) + step)

    def _channels(self, carrier, rows, antennas):
        return channels_torch(self.coefficient[carrier][rows], self.phase_step[carrier][rows], antennas)

    @staticmethod
    def _powers(usual_dbm, span_dbm, usual, generator):
        low, high = span_dbm
        drawn = low + (high - low) * torch.rand(len(usual), generator=generator)
        return mw_from_dbm(torch.where(usual, torch.tensor(usual_dbm), drawn)).float()
