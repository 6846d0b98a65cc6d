"""WMMSE precoding for users with one antenna, in the row space of the channel: an iteration costs the same for any M."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from sim.checks import positive
from sim.gram import check_regular, checked_channel, combine, gram, invert_hermitian, sweep

_OFF = 1e-100  # receiver of a user who gets no power: not zero, for it divides


def wmmse_miso(h_est: np.ndarray, power: float, noise_power: float, iterations: int = 100, weights: np.ndarray | None = None) -> np.ndarray:
    """Precoder V (B, M, K) complex64 that locally maximises the weighted sum rate, trace(V V^H) = power.

    h_est: (B, M, K), column k is user k's downlink channel; power, noise_power: mW; weights: (K,) positive rate weights,
    1 by default. Starts from regularised zero forcing; the sum rate never decreases with `iterations`. Correlated
    channels converge slowly: take at least 100 iterations for a reference. Raises ValueError for K > M or bad numbers.
    Source: Zhao, Lu, Shi, Luo, "Rethinking WMMSE", arXiv 2205.06225; Shi et al., IEEE Trans. Signal Process. 2011.
    """
    h = checked_channel(h_est, power)
    positive("noise_power", noise_power)
    if iterations < 0:
        raise ValueError(f"iterations={iterations} has to be at least 0")
    users = h.shape[2]
    alpha = np.ones(users) if weights is None else np.asarray(weights, float)
    if alpha.shape != (users,) or not np.all(alpha > 0):
        raise ValueError(f"weights={weights} have to be {users} positive numbers")
    v = np.empty_like(h)
    check_regular(_wmmse_kernel(h, power, noise_power, iterations, alpha, v), noise_power)
    return v


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _wmmse_kernel(h: np.ndarray, power: float, noise_power: float, iterations: int, alpha: np.ndarray, v: np.ndarray) -> int:
    blocks, _, users = h.shape
    ratio = noise_power / power
    g, x = np.empty((users, users), np.complex128), np.empty((users, users), np.complex128)
    u, d, scratch = np.empty(users), np.empty(users), np.empty((6, 2 * users))
    for b in range(blocks):
        gram(h[b], g)
        u[:] = 1.0
        d[:] = users * ratio
        energy = _iterate(g, ratio, iterations, alpha, u, d, x, scratch)
        if energy < 0.0:
            return b
        scale = math.sqrt(power / energy) if energy > 0.0 else 0.0
        for k in range(users):
            x[k] *= scale * u[k]
        combine(h[b], x, v[b])
    return -1


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _iterate(
    g: np.ndarray, ratio: float, iterations: int, alpha: np.ndarray, u: np.ndarray, d: np.ndarray, x: np.ndarray, scratch: np.ndarray
) -> float:
    """Leave A^-1 in x, A = diag(u) G diag(u) + diag(d); returns the energy of V = H diag(u) A^-1, or -1 where A is singular.

    The effective channel is G diag(u) A^-1 = diag(u)^-1 (I - diag(d) A^-1), so that no iteration has a product of matrices. The receivers u
    are 1 in the regularised zero forcing of the start, and stay real.
    """
    users = len(g)
    g_rows, x_rows = g.view(np.float64), x.view(np.float64)
    row, turned, u_twice, heard, leaked = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    diagonal, signal = scratch[5, :users], scratch[5, users:]
    for iteration in range(iterations + 1):
        for k in range(users):
            u_twice[2 * k], u_twice[2 * k + 1] = u[k], u[k]
        for i in range(users):
            for c in range(2 * users):
                x_rows[i, c] = u[i] * u_twice[c] * g_rows[i, c]
            x[i, i] += d[i]
        regular = invert_hermitian(x) if iteration == 0 else sweep(x_rows, 0.0, row, turned)
        if not regular:
            return -1.0
        for k in range(users):
            diagonal[k] = x[k, k].real
            x[k, k] = 0.0
        heard[:] = 0.0
        leaked[:] = 0.0
        for i in range(users):
            for c in range(2 * users):
                heard[c] += u[i] * (g_rows[i, c] * x_rows[i, c])
                leaked[c] += x_rows[i, c] * x_rows[i, c]
        energy = 0.0
        for k in range(users):
            signal[k] = u[k] * g[k, k].real * diagonal[k] + heard[2 * k] + heard[2 * k + 1]
            leaked[k] = leaked[2 * k] + leaked[2 * k + 1]
            energy += u[k] * diagonal[k] * signal[k] - d[k] * leaked[k]
        if iteration == iterations or not energy > 0.0:
            break
        eta = 0.0
        for k in range(users):
            interference = leaked[k] * (d[k] / u[k]) ** 2 + ratio * energy
            total = interference + signal[k] ** 2
            u[k] = max(signal[k] / total, _OFF)
            d[k] = interference / (alpha[k] * total)
            eta += ratio * u[k] ** 2 / d[k]
        for k in range(users):
            d[k] *= eta
    for k in range(users):
        x[k, k] = diagonal[k]
    return energy
