"""Posterior mean of the downlink channel over stored positions: the reference that a learned calibration has to reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sim.world.scenario import Scenario

_USERS_AT_ONCE = 64


class Fingerprint:
    """Uplink and downlink channels of every training position of a scenario (or of each `thinning`-th).

    For an estimate y of noise power s2 per entry: c_i = u_i^H y, w = softmax(-(|u_i|^2 - 2 |c_i|) / s2) and
    h = sum_i w_i (c_i / |c_i|) d_i. The phase turns each stored downlink channel d_i the way its uplink channel u_i agrees
    with y. No training; 2 N M complex multiply-adds per user for N positions.
    """

    def __init__(self, scenario: Scenario, thinning: int = 1):
        if thinning < 1:
            raise ValueError(f"thinning={thinning} has to be at least 1")
        places = replace(scenario, split="train")
        rows = places.positions()[::thinning][:, None]
        self.uplink = torch.from_numpy(places.uplink_at(rows)[:, :, 0])
        self.downlink = torch.from_numpy(places.downlink_at(rows)[:, 0].conj())
        self.energy = (self.uplink.real**2 + self.uplink.imag**2).sum(1)

    @torch.inference_mode()
    def posterior_mean(self, h_est: np.ndarray, estimate_noise: float) -> np.ndarray:
        """Downlink channels (B, M, K) complex64 for uplink estimates h_est (B, M, K) with noise of `estimate_noise` mW per entry."""
        blocks, antennas, users = h_est.shape
        y = torch.tensor(h_est).mT.reshape(-1, antennas)
        h = torch.cat([self._users(part, estimate_noise) for part in y.split(_USERS_AT_ONCE)])
        return h.reshape(blocks, users, antennas).mT.contiguous().numpy()

    def _users(self, y: Tensor, estimate_noise: float) -> Tensor:
        c = y @ self.uplink.conj().mT
        size = c.abs()
        weight = torch.softmax((2 * size - self.energy) / estimate_noise, dim=-1)
        return (weight * c / size.clamp_min(1e-30)) @ self.downlink
