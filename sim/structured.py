"""The structure of every optimal downlink precoder: directions from virtual uplink powers q, lengths from powers p."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from sim.checks import positive
from sim.gram import check_regular, checked_channel, combine, gram, invert_hermitian

if TYPE_CHECKING:
    from torch import Tensor


def structured_precoder(h_est: np.ndarray, p: np.ndarray, q: np.ndarray, noise_power: float) -> np.ndarray:
    """v_k = sqrt(p_k) w_k / |w_k| with w_k = (I + sum_j (q_j / N_0) h_j h_j^H)^-1 h_k; (B, M, K) complex64.

    h_est: (B, M, K); p, q: (B, K) mW, each summing to the transmit power, q > 0; noise_power: N_0 in mW. Computed with
    K x K inverses. Raises ValueError for K > M, a negative power or q = 0.
    Source: Bjornson, Bengtsson, Ottersten, IEEE Signal Process. Mag. 2014; Zhang et al., eq. 7.
    """
    h = checked_channel(h_est, float(np.sum(p)))
    for name, value in (("p", p), ("q", q)):
        if value.shape != (h.shape[0], h.shape[2]):
            raise ValueError(f"{name} has shape {value.shape}, expected one power for each user: {(h.shape[0], h.shape[2])}")
    if not (np.all(p >= 0) and np.all(q > 0)):
        raise ValueError(f"user powers have to be p >= 0 and q > 0 mW, got min p={p.min():.3g}, min q={q.min():.3g}")
    positive("noise_power", noise_power)
    v = np.empty_like(h)
    check_regular(_structured_kernel(h, p.astype(float), q / noise_power, v), noise_power)
    return v


def structured_precoder_torch(h: Tensor, p: Tensor, q: Tensor, noise_power: float | Tensor) -> Tensor:
    """Differentiable twin of `structured_precoder` for a complex tensor h (..., M, K) and real p, q (..., K)."""
    import torch

    root = (q / noise_power).sqrt().to(h.dtype)
    g = h.mH @ h
    a = root[..., :, None] * g * root[..., None, :] + torch.eye(h.shape[-1], dtype=h.dtype, device=h.device)
    v = h @ (root[..., :, None] * torch.linalg.inv(a))
    norm = (v.real**2 + v.imag**2).sum(-2, keepdim=True).clamp_min(1e-30).sqrt()
    return v / norm * p.sqrt()[..., None, :]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _structured_kernel(h: np.ndarray, p: np.ndarray, q: np.ndarray, v: np.ndarray) -> int:
    blocks, _, users = h.shape
    g = np.empty((users, users), np.complex128)
    x = np.empty((users, users), np.complex128)
    root = np.empty(users)
    for b in range(blocks):
        gram(h[b], g)
        for i in range(users):
            root[i] = math.sqrt(q[b, i])
        for i in range(users):
            for j in range(users):
                x[i, j] = root[i] * g[i, j] * root[j]
            x[i, i] += 1.0
        if not invert_hermitian(x):
            return b
        for i in range(users):
            for j in range(users):
                x[i, j] *= root[i]
        for k in range(users):
            energy = 0.0
            for i in range(users):
                product = 0j
                for j in range(users):
                    product += g[i, j] * x[j, k]
                energy += (x[i, k].conjugate() * product).real
            scale = math.sqrt(p[b, k] / energy) if energy > 0.0 else 0.0
            for i in range(users):
                x[i, k] *= scale
        combine(h[b], x, v[b])
    return -1
