"""What the trainer, the evaluation and the flowgraphs ask of a calibration network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sim.pilots import dft_pilots
from sim.precoding import zero_forcing_torch
from sim.rate import sum_rate_torch
from sim.structured import structured_precoder_torch


class CalibrationNetwork(nn.Module):
    """Base of the networks. One that overrides nothing hears DFT pilots through least squares.

    csi        what `forward` gets, "pilots": least-squares estimates of the uplink; "received": received pilots; "perfect": the true
               downlink channel
    precoder   what follows: "structured" takes (h, p, q) from `forward`, "zf" takes (h,); "own": nothing, `forward` gives (v,)
    one_size   whether it serves exactly the `users` of its arguments
    own_pilots, calibrates_received    whether `unit_pilots` and `received` are its own; it then wants L = K
    """

    csi = "pilots"
    precoder = "structured"
    one_size = False
    own_pilots = False
    calibrates_received = False

    def serves(self, users: int) -> bool:
        """True where the network can be used for that many users."""
        return True

    def unit_pilots(self, users: int) -> Tensor:
        """Pilot matrix (K, L) complex with rows of energy L (power 1 per symbol). Raises ValueError for a K that it has none for."""
        return torch.from_numpy(dft_pilots(users, users, 1.0)).to(next(self.parameters()).device)

    def received(self, y: Tensor) -> Tensor:
        """Received pilots (B, M, L) as the least-squares estimator should see them."""
        return y

    def precode(self, x: Tensor, estimate_noise, power: Tensor, noise_power: float) -> Tensor:
        """Precoder (B, M, K), differentiable, from what `forward` takes; power (B,): mW."""
        h, *powers = self(x, estimate_noise, power, noise_power)
        if self.precoder == "own":
            return h
        if self.precoder == "zf":
            return zero_forcing_torch(h, power[:, None, None])
        p, q = powers
        return structured_precoder_torch(h, p, q, noise_power)

    def loss(self, drop, noise_power: float, progress: float) -> Tensor:
        """What training makes small on a Drop: by default minus the mean sum rate of a user; progress 0 ... 1 of the training."""
        v = self.precode(drop.heard, drop.estimate_noise, drop.power, noise_power)
        return -sum_rate_torch(drop.h_dl @ v, noise_power).mean() / drop.h_dl.shape[1]
