"""SINR and achievable rate of a precoded downlink: Numba kernel for users with one antenna, NumPy for several, torch twins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numba import njit

from sim.checks import positive

if TYPE_CHECKING:
    from torch import Tensor

ArrayOrTensor = TypeVar("ArrayOrTensor", np.ndarray, "Tensor")


def effective_channel(h: ArrayOrTensor, v: ArrayOrTensor) -> ArrayOrTensor:
    """G = H_DL V: (B, K, K) of h (B, K, M) and v (B, M, K); (B, K, N, K, d) of h (B, K, N, M) and v (B, K, M, d) for several antennas.

    Entry (k, n, j, i) is what antenna n of user k hears of stream i of user j. Arrays or tensors.
    """
    if h.ndim == 3:
        return h @ v
    blocks, users, antennas, m = h.shape
    g = h.reshape(blocks, users * antennas, m) @ v.swapaxes(1, 2).reshape(blocks, m, -1)
    return g.reshape(blocks, users, antennas, users, -1)


def user_sinr(g: np.ndarray, noise_power: float) -> np.ndarray:
    """(B, K) float64 signal to interference plus noise ratio of each user, which has one antenna.

    g: effective channel G = H_DL V, (B, K, K) complex64; noise_power: mW. Source: Ma et al. 2021, eq. 6.
    """
    positive("noise_power", noise_power)
    sinr = np.empty(g.shape[:2])
    _sinr(g, noise_power, sinr)
    return sinr


def sum_rate(g: np.ndarray, noise_power: float) -> np.ndarray:
    """(B,) float64 sum of the users' rates, bit/s/Hz, for an effective channel g (B, K, K) or (B, K, N, K, d), see `effective_channel`.

    One antenna: log2(1 + SINR). Several: log2 det(I + G_kk G_kk^H (interference + noise)^-1). noise_power: mW. Raises ValueError for
    another shape and for a power <= 0. Source: Ma et al. 2021, eq. 6; Hu et al., eq. 10.
    """
    if _one_antenna(g):
        return np.log2(1.0 + user_sinr(g, noise_power)).sum(axis=1)
    positive("noise_power", noise_power)
    e = g.astype(complex).transpose(0, 1, 3, 2, 4)
    power = e @ e.conj().swapaxes(-1, -2)
    total = power.sum(2) + noise_power * np.eye(g.shape[2])
    user = np.arange(g.shape[1])
    own = power[:, user, user]
    return ((np.linalg.slogdet(total)[1] - np.linalg.slogdet(total - own)[1]) / np.log(2)).sum(1)


def sum_rate_torch(g: Tensor, noise_power: float | Tensor) -> Tensor:
    """Differentiable twin of `sum_rate` for a complex tensor; noise_power: a number or a tensor (B,)."""
    import torch

    if _one_antenna(g):
        power = g.real**2 + g.imag**2
        signal = power.diagonal(dim1=-2, dim2=-1)
        noise = torch.as_tensor(noise_power, dtype=power.dtype, device=power.device)[..., None]
        return torch.log2(1 + signal / (power.sum(-1) - signal + noise)).sum(-1)
    noise = torch.as_tensor(noise_power, dtype=g.real.dtype, device=g.device)[..., None, None, None]
    own = g.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    e = g.flatten(3)
    total = e @ e.mH + noise * torch.eye(g.shape[2], dtype=g.dtype, device=g.device)
    return ((torch.linalg.slogdet(total)[1] - torch.linalg.slogdet(total - own @ own.mH)[1]) / math.log(2)).sum(1)


def _one_antenna(g: np.ndarray | Tensor) -> bool:
    if g.ndim not in (3, 5) or g.shape[1] != g.shape[(g.ndim + 1) // 2]:
        raise ValueError(f"an effective channel has shape {tuple(g.shape)}, expected (blocks, K, K) or (blocks, K, N, K, d)")
    return g.ndim == 3


@njit(cache=True, nogil=True)
def _sinr(g: np.ndarray, noise_power: float, sinr: np.ndarray) -> None:
    blocks, users, _ = g.shape
    for b in range(blocks):
        for k in range(users):
            interference = noise_power
            for j in range(users):
                if j != k:
                    interference += float(g[b, k, j].real) ** 2 + float(g[b, k, j].imag) ** 2
            sinr[b, k] = (float(g[b, k, k].real) ** 2 + float(g[b, k, k].imag) ** 2) / interference
