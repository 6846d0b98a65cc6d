"""WMMSE precoding for users with one antenna, in the row space of the channel: an iteration costs the same for any M."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from sim.checks import positive
from sim.gram import check_regular, checked_channel, combine, gram, invert_hermitian

_ONE, _EIGHT = (0,), (0,) * 8  # as many channels go through the kernel at once; the compiler knows a tuple's length


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
    lanes = _EIGHT if len(h) >= len(_EIGHT) else _ONE
    check_regular(_wmmse_kernel(h, power, noise_power, iterations, alpha, v, lanes), noise_power)
    return v


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _wmmse_kernel(
    h: np.ndarray, power: float, noise_power: float, iterations: int, alpha: np.ndarray, v: np.ndarray, lanes: tuple[int, ...]
) -> int:
    blocks, _, users = h.shape
    size = len(lanes)
    ratio = noise_power / power
    g = np.empty((size, users, users), np.complex128)
    x = np.empty((users, users), np.complex128)
    g_re, g_im = np.empty((users, users, size)), np.empty((users, users, size))
    x_re, x_im = np.empty((users, users, size)), np.empty((users, users, size))
    for first in range(0, blocks, size):
        for lane in range(size):
            gram(h[min(first + lane, blocks - 1)], g[lane])
            x[:] = g[lane]
            for k in range(users):
                x[k, k] += users * ratio
            if not invert_hermitian(x):
                return min(first + lane, blocks - 1)
            g_re[:, :, lane], g_im[:, :, lane] = g[lane].real, g[lane].imag
            x_re[:, :, lane], x_im[:, :, lane] = x.real, x.imag
        _iterate(g_re, g_im, x_re, x_im, ratio, iterations, alpha, lanes)
        for lane in range(min(size, blocks - first)):
            energy = 0.0
            for i in range(users):
                for j in range(users):
                    x[i, j] = complex(x_re[i, j, lane], x_im[i, j, lane])
            for i in range(users):
                for j in range(users):
                    product = 0j
                    for k in range(users):
                        product += g[lane, i, k] * x[k, j]
                    energy += (x[i, j].conjugate() * product).real
            x *= math.sqrt(power / energy)
            combine(h[first + lane], x, v[first + lane])
    return -1


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _iterate(
    g_re: np.ndarray,
    g_im: np.ndarray,
    x_re: np.ndarray,
    x_im: np.ndarray,
    ratio: float,
    iterations: int,
    alpha: np.ndarray,
    lanes: tuple[int, ...],
) -> None:
    """Run WMMSE iterations on len(lanes) channels at once; the innermost loops are over the lanes."""
    users, size = g_re.shape[0], len(lanes)
    e_re, e_im = np.empty((users, users, size)), np.empty((users, users, size))
    u_re, u_im = np.empty((users, size)), np.empty((users, size))
    w = np.empty((users, size))
    consumed, eta = np.empty(size), np.empty(size)
    total, f_re, f_im = np.empty(size), np.empty(size), np.empty(size)
    for _ in range(iterations):
        consumed[:] = 0.0
        for i in range(users):
            for j in range(users):
                f_re[:] = 0.0
                f_im[:] = 0.0
                for k in range(users):
                    for n in range(size):
                        f_re[n] += g_re[i, k, n] * x_re[k, j, n] - g_im[i, k, n] * x_im[k, j, n]
                        f_im[n] += g_re[i, k, n] * x_im[k, j, n] + g_im[i, k, n] * x_re[k, j, n]
                for n in range(size):
                    e_re[i, j, n] = f_re[n]
                    e_im[i, j, n] = f_im[n]
                    consumed[n] += x_re[i, j, n] * f_re[n] + x_im[i, j, n] * f_im[n]
        eta[:] = 0.0
        for k in range(users):
            for n in range(size):
                total[n] = ratio * consumed[n]
            for j in range(users):
                for n in range(size):
                    total[n] += e_re[k, j, n] * e_re[k, j, n] + e_im[k, j, n] * e_im[k, j, n]
            for n in range(size):
                signal = e_re[k, k, n] * e_re[k, k, n] + e_im[k, k, n] * e_im[k, k, n]
                u_re[k, n] = e_re[k, k, n] / total[n]
                u_im[k, n] = e_im[k, k, n] / total[n]
                w[k, n] = alpha[k] * total[n] / (total[n] - signal)
                eta[n] += ratio * w[k, n] * signal / (total[n] * total[n])
        for i in range(users):
            for j in range(i + 1):
                for n in range(size):
                    a_re = u_re[i, n] * u_re[j, n] + u_im[i, n] * u_im[j, n]
                    a_im = u_re[i, n] * u_im[j, n] - u_im[i, n] * u_re[j, n]
                    x_re[i, j, n] = g_re[i, j, n] * a_re - g_im[i, j, n] * a_im
                    x_im[i, j, n] = g_re[i, j, n] * a_im + g_im[i, j, n] * a_re
            for n in range(size):
                x_re[i, i, n] += eta[n] / w[i, n]
        _invert_lanes(x_re, x_im, total, f_re, f_im, lanes)
        for i in range(users):
            for j in range(users):
                for n in range(size):
                    a_re, a_im = x_re[i, j, n], x_im[i, j, n]
                    x_re[i, j, n] = u_re[i, n] * a_re - u_im[i, n] * a_im
                    x_im[i, j, n] = u_re[i, n] * a_im + u_im[i, n] * a_re


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _invert_lanes(a_re: np.ndarray, a_im: np.ndarray, d: np.ndarray, f_re: np.ndarray, f_im: np.ndarray, lanes: tuple[int, ...]) -> None:
    """Replace Hermitian positive definite matrices, lower triangle given, by their full inverses (symmetric sweeps)."""
    users, size = a_re.shape[0], len(lanes)
    for k in range(users):
        for n in range(size):
            d[n] = 1.0 / a_re[k, k, n]
        for i in range(users):
            if i == k:
                continue
            below = i > k
            for n in range(size):
                f_re[n] = (a_re[i, k, n] if below else a_re[k, i, n]) * d[n]
                f_im[n] = (a_im[i, k, n] if below else -a_im[k, i, n]) * d[n]
            for j in range(i + 1):
                if j == k:
                    continue
                if j > k:
                    for n in range(size):
                        a_re[i, j, n] -= f_re[n] * a_re[j, k, n] + f_im[n] * a_im[j, k, n]
                        a_im[i, j, n] -= f_im[n] * a_re[j, k, n] - f_re[n] * a_im[j, k, n]
                else:
                    for n in range(size):
                        a_re[i, j, n] -= f_re[n] * a_re[k, j, n] - f_im[n] * a_im[k, j, n]
                        a_im[i, j, n] -= f_im[n] * a_re[k, j, n] + f_re[n] * a_im[k, j, n]
        for i in range(users):
            row, column = max(i, k), min(i, k)
            for n in range(size):
                if i == k:
                    a_re[k, k, n] = -d[n]
                else:
                    a_re[row, column, n] *= d[n]
                    a_im[row, column, n] *= d[n]
    for i in range(users):
        for j in range(i + 1):
            for n in range(size):
                a_re[i, j, n] = -a_re[i, j, n]
                a_im[i, j, n] = -a_im[i, j, n] if i != j else 0.0
                a_re[j, i, n] = a_re[i, j, n]
                a_im[j, i, n] = -a_im[i, j, n]
