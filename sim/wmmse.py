"""WMMSE precoding, for users with one antenna or several: one entry to both kernels."""

from __future__ import annotations

import numpy as np

from sim.wmmse_mimo import wmmse_mimo
from sim.wmmse_miso import wmmse_miso


def wmmse(
    h: np.ndarray,
    power: float,
    noise_power: float,
    iterations: int = 100,
    weights: np.ndarray | None = None,
    streams: int | None = None,
    seed: int | None = None,
) -> np.ndarray:
    """Precoders, complex64, that locally maximise the weighted sum rate, with total power `power`; it never decreases with iterations.

    h: (B, M, K), column k is the downlink channel of user k, which has one antenna: gives V (B, M, K); or (B, K, N, M), the downlink
    channels of N antennas each: gives (B, K, M, d). power, noise_power: mW; weights: (K,) positive rate weights, 1 by default; streams:
    d <= N of each user, N by default. Starts from regularised zero forcing, or with `seed` from random combinations of the channels: a
    start decides which local optimum is found. Raises ValueError for shapes and numbers that do not fit. Source: see `wmmse_mimo`.
    """
    if h.ndim not in (3, 4):
        raise ValueError(f"channels have shape {h.shape}, expected (blocks, antennas, users) or (blocks, users, user antennas, antennas)")
    if h.ndim == 4:
        d = h.shape[2] if streams is None else streams
        return wmmse_mimo(h, d, power, noise_power, iterations, weights, seed).astype(np.complex64)
    if streams not in (None, 1):
        raise ValueError(f"streams={streams} of users with one antenna; expected 1")
    if seed is None:
        return wmmse_miso(h, power, noise_power, iterations, weights)
    rows = h.conj().swapaxes(1, 2)[:, :, None]
    v = wmmse_mimo(rows, 1, power, noise_power, iterations, weights, seed)[..., 0].swapaxes(1, 2)
    return np.ascontiguousarray(v, np.complex64)
