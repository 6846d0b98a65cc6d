"""What networks that go from known channels straight to precoders have in common."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sim.rate import effective_channel, sum_rate_torch
from trained.networks.base import Gives, Hears, Network


class PerfectPrecoder(Network):
    """Base of networks with `precoders`: V (B, K, M, d) of power 1 for channels (B, K, N, M) in units in which power and noise are 1."""

    hears, gives = Hears.CHANNEL, Gives.PRECODER
    several_antennas = True

    def precoders(self, h: Tensor) -> Tensor:
        """V (B, K, M, d)."""
        raise NotImplementedError(f"{type(self).__name__} defines no precoders")

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """(v (B, M, K),) for single-antenna users from their channels (B, M, K); power: mW, a number or (B,)."""
        power = torch.as_tensor(power, dtype=torch.float32, device=heard.device).reshape(-1, 1, 1)
        h = (heard * (power / noise_power).sqrt()).mH[:, :, None]
        return (self.precoders(h)[..., 0].mT * power.sqrt(),)

    def loss(self, drop, noise_power, progress):
        h = self.scaled(drop, noise_power)
        return -sum_rate_torch(effective_channel(h, self.precoders(h)), 1.0).mean() / h.shape[1]

    @staticmethod
    def scaled(drop, noise_power: float) -> Tensor:
        """Channels (B, K, N, M) of a drop in units in which power and noise are 1."""
        h = drop.h_dl if drop.h_dl.dim() == 4 else drop.h_dl[:, :, None]
        return h * (drop.power / noise_power).sqrt()[:, None, None, None]
