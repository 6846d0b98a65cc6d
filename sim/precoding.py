"""Linear precoders with one scale, V = gamma H X: maximum ratio, zero forcing, regularised zero forcing; torch twins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from sim.checks import positive
from sim.gram import check_regular, checked_channel, combine, gram, invert_hermitian

if TYPE_CHECKING:
    from torch import Tensor


def maximum_ratio(h_est: np.ndarray, power: float) -> np.ndarray:
    """V = gamma H, (B, M, K) complex64, with trace(V V^H) = power (mW)."""
    h = checked_channel(h_est, power)
    energy = np.sum(np.abs(h) ** 2, axis=(1, 2), keepdims=True, dtype=float)
    return (h * np.sqrt(power / np.where(energy > 0, energy, 1.0))).astype(np.complex64)


def zero_forcing(h_est: np.ndarray, power: float) -> np.ndarray:
    """V = gamma H (H^H H)^-1, (B, M, K) complex64, with trace(V V^H) = power (mW).

    h_est: (B, M, K), column k is user k. Raises ValueError where K > M or where users of a block are linearly
    dependent. Source: Ma et al. 2021, Table I.
    """
    h = checked_channel(h_est, power)
    v = np.empty_like(h)
    singular = _regularized_kernel(h, 0.0, power, v)
    if singular >= 0:
        raise ValueError(
            f"zero forcing: the channels of the {h.shape[2]} users are linearly dependent in block {singular} of the "
            "frame, so that H^H H cannot be inverted; use a regularised precoder or separate the users"
        )
    return v


def regularized_zero_forcing(h_est: np.ndarray, power: float, noise_power: float) -> np.ndarray:
    """V = gamma H (H^H H + (K sigma^2 / P) I)^-1, (B, M, K) complex64, with trace(V V^H) = power (mW).

    Source: Peel, Hochwald, Swindlehurst, "A vector-perturbation technique ... Part I", IEEE Trans. Commun. 2005.
    """
    positive("noise_power", noise_power)
    h = checked_channel(h_est, power)
    v = np.empty_like(h)
    check_regular(_regularized_kernel(h, h.shape[2] * noise_power / power, power, v), noise_power)
    return v


def zero_forcing_torch(h: Tensor, power: float | Tensor) -> Tensor:
    """Differentiable twin of `zero_forcing` for a complex tensor h (..., M, K)."""
    return _scaled_torch(h, h.mH @ h, power)


def regularized_zero_forcing_torch(h: Tensor, power: float | Tensor, noise_power: float | Tensor) -> Tensor:
    """Differentiable twin of `regularized_zero_forcing` for a complex tensor h (..., M, K)."""
    import torch

    users = h.shape[-1]
    identity = torch.eye(users, dtype=h.dtype, device=h.device)
    return _scaled_torch(h, h.mH @ h + users * noise_power / power * identity, power)


def _scaled_torch(h: Tensor, regularized_gram: Tensor, power: float | Tensor) -> Tensor:
    import torch

    v = torch.linalg.solve(regularized_gram.mH, h.mH).mH
    return v * (power / (v.real**2 + v.imag**2).sum((-2, -1), keepdim=True)).sqrt()


@njit(cache=True, nogil=True, fastmath={"contract"})
def _regularized_kernel(h: np.ndarray, regularizer: float, power: float, v: np.ndarray) -> int:
    blocks, _, users = h.shape
    g = np.empty((users, users), np.complex128)
    x = np.empty((users, users), np.complex128)
    for b in range(blocks):
        gram(h[b], g)
        x[:] = g
        for k in range(users):
            x[k, k] += regularizer
        if not invert_hermitian(x):
            return b
        energy = 0.0
        for i in range(users):
            for j in range(users):
                product = 0j
                for k in range(users):
                    product += g[i, k] * x[k, j]
                energy += (x[i, j].conjugate() * product).real
        x *= math.sqrt(power / energy)
        combine(h[b], x, v[b])
    return -1
