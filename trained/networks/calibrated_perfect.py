"""Powers for a known downlink channel: the neural answer to WMMSE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from trained.networks import Gives, Hears, Network, Size, network
from trained.networks.parts.powers import PowerRounds


@network("calibrated-perfect", title="calibeam, perfect CSI")
class CalibratedPerfect(Network):
    """Hands on the channel and learns the powers p and q of the structured precoder; any number of antennas and users."""

    hears, gives = Hears.CHANNEL, Gives.STRUCTURE
    any_antennas = True

    @dataclass(frozen=True)
    class Config:
        """width: of the layers that make powers; rounds: of messages between users."""

        width: int = 64
        rounds: int = 3

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        self.powers = PowerRounds(self.config.width, self.config.rounds)

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """(h, p (B, K), q (B, K)) for downlink channels h (B, M, K) complex; power, noise_power: mW.

        estimate_noise is not used: the channel is taken for exact. sum p = power; q > 0.
        """
        return heard, *self.powers(heard, [], power, noise_power)
