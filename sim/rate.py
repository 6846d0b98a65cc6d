"""SINR and achievable rate of a precoded downlink: Numba kernel and torch twin."""

import numpy as np
from numba import njit

from sim.checks import positive


def user_sinr(g: np.ndarray, noise_power: float) -> np.ndarray:
    """(B, K) float64 signal to interference plus noise ratio of each user.

    g: effective channel G = H_DL V, (B, K, K) complex64; noise_power: mW. Source: Ma et al. 2021, eq. 6.
    """
    positive("noise_power", noise_power)
    sinr = np.empty(g.shape[:2])
    _sinr(g, noise_power, sinr)
    return sinr


def sum_rate(g: np.ndarray, noise_power: float) -> np.ndarray:
    """(B,) float64 sum over users of log2(1 + SINR), bit/s/Hz, for an effective channel g (B, K, K). Source: as `user_sinr`."""
    return np.log2(1.0 + user_sinr(g, noise_power)).sum(axis=1)


def sum_rate_torch(g, noise_power):
    """Differentiable twin of `sum_rate` for a complex tensor g (..., K, K); noise_power: number or tensor (...)."""
    import torch

    power = g.real**2 + g.imag**2
    signal = power.diagonal(dim1=-2, dim2=-1)
    noise = torch.as_tensor(noise_power, dtype=power.dtype, device=power.device)[..., None]
    return torch.log2(1 + signal / (power.sum(-1) - signal + noise)).sum(-1)


@njit(cache=True, nogil=True)
def _sinr(g, noise_power, sinr):
    blocks, users, _ = g.shape
    for b in range(blocks):
        for k in range(users):
            interference = noise_power
            for j in range(users):
                if j != k:
                    interference += float(g[b, k, j].real) ** 2 + float(g[b, k, j].imag) ** 2
            sinr[b, k] = (float(g[b, k, k].real) ** 2 + float(g[b, k, k].imag) ** 2) / interference
