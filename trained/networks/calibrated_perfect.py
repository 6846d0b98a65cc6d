"""Powers for a known downlink channel: the neural answer to WMMSE."""

from __future__ import annotations

from torch import Tensor

from trained.networks.network import CalibrationNetwork
from trained.networks.parts.powers import PowerRounds


class PerfectCalibration(CalibrationNetwork):
    """Hands on the channel and learns the powers p and q of the structured precoder; any number of antennas and users."""

    csi = "perfect"

    def __init__(self, hidden: int = 64, rounds: int = 3):
        super().__init__()
        self.powers = PowerRounds(hidden, rounds)

    def forward(self, h_est: Tensor, estimate_noise, power, noise_power) -> tuple[Tensor, Tensor, Tensor]:
        """(h_est, p (B, K), q (B, K)) for downlink channels h_est (B, M, K) complex; power, noise_power: mW.

        estimate_noise is not used: the channel is taken for exact. sum p = power; q > 0.
        """
        return h_est, *self.powers(h_est, [], power, noise_power)
