"""The network `calibrated-perfect` on one CPU core: the twin of trained/networks/calibrated_perfect.py."""

from __future__ import annotations

import numpy as np
from numba import njit

from trained.inference.base import Twin
from trained.inference.parts.dense import ROWS
from trained.inference.parts.powers import power_layers, power_rounds, power_shapes

_FLOOR = 0.002
_CHUNK = 64


class CalibratedPerfect(Twin):
    """(h, p (B, K), q (B, K) float32) for downlink channels h (B, M, K) complex64; see the network."""

    any_antennas = True

    def __init__(self, tensors, size, config):
        self.powers = power_layers(tensors, config["rounds"])

    @staticmethod
    def shapes(size, config):
        return power_shapes(config["width"], config["rounds"], side=0)

    def __call__(self, heard, estimate_noise, power, noise_power):
        p, q = self.powers_of(heard)
        _powers(self.checked(heard, heard.shape[1]), self.powers, float(power), float(noise_power), p, q)
        return heard, p, q


@njit(cache=True, nogil=True)
def _powers(heard, powers, power, noise_power, p, q):
    blocks, antennas, users = heard.shape
    at_once = max(1, _CHUNK // users)
    padded = (min(at_once, blocks) * users + ROWS - 1) // ROWS * ROWS
    rows, facts = np.zeros((padded, 2 * antennas), np.float32), np.empty((padded, 0), np.float32)
    for begin in range(0, blocks, at_once):
        end = min(begin + at_once, blocks)
        for b in range(begin, end):
            for m in range(antennas):
                for k in range(users):
                    n = (b - begin) * users + k
                    rows[n, m], rows[n, antennas + m] = heard[b, m, k].real, heard[b, m, k].imag
        power_rounds(rows, end - begin, users, antennas, facts, powers, _FLOOR, power, noise_power, p[begin:end], q[begin:end])
