"""Small Hermitian kernels that the precoders share: Gram matrices, their inverses, and V = H X."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.checks import positive

_SINGULAR = 1e-13


@njit(cache=True, nogil=True, fastmath={"contract"})
def gram(h: np.ndarray, g: np.ndarray) -> None:
    """Write H^H H (K, K) complex128 of h (M, K) into g."""
    antennas, users = h.shape
    g[:] = 0.0
    for m in range(antennas):
        for i in range(users):
            a = np.complex128(h[m, i]).conjugate()
            for j in range(i + 1):
                g[i, j] += a * h[m, j]
    for i in range(users):
        g[i, i] = g[i, i].real
        for j in range(i):
            g[j, i] = g[i, j].conjugate()


@njit(cache=True, nogil=True, fastmath={"contract"})
def invert_hermitian(a: np.ndarray) -> bool:
    """Replace a positive definite a (K, K) by its inverse; False where it is singular to working precision."""
    size = len(a)
    largest = 0.0
    for k in range(size):
        largest = max(largest, a[k, k].real)
    for k in range(size):
        pivot = a[k, k].real
        if not pivot > _SINGULAR * largest:
            return False
        d = 1.0 / pivot
        for i in range(size):
            if i != k:
                factor = a[i, k] * d
                for j in range(size):
                    if j != k:
                        a[i, j] -= factor * a[k, j]
        for i in range(size):
            if i != k:
                a[i, k] *= -d
                a[k, i] *= d
        a[k, k] = d
    return True


@njit(cache=True, nogil=True, fastmath={"contract"})
def combine(h: np.ndarray, x: np.ndarray, v: np.ndarray) -> None:
    """Write V = H X into v (M, K) complex64."""
    antennas, users = h.shape
    for m in range(antennas):
        for k in range(users):
            total = 0j
            for j in range(users):
                total += h[m, j] * x[j, k]
            v[m, k] = total


def checked_channel(h: np.ndarray, power: float) -> np.ndarray:
    """h as a C-ordered (B, M, K) complex64 array. Raises ValueError for K > M, a bad shape or a bad power."""
    if h.ndim != 3:
        raise ValueError(f"a channel estimate has shape {h.shape}, expected (blocks, antennas, users)")
    check_antennas(h.shape[1], h.shape[2])
    positive("power", power)
    return np.ascontiguousarray(h, np.complex64)


def check_antennas(antennas: int, users: int, streams: int = 1) -> None:
    """Raise ValueError unless `antennas` can send `streams` to each of `users` (M >= K d)."""
    if users * streams > antennas:
        needing = f"users={users}" + (f" with streams={streams}" if streams > 1 else "")
        raise ValueError(f"{needing} needs at least {users * streams} antennas, got antennas={antennas}")


def check_regular(singular_block: int, noise_power: float) -> None:
    """Raise ValueError where a kernel met a block (>= 0) whose regularised matrix cannot be inverted in double precision."""
    if singular_block >= 0:
        raise ValueError(
            f"noise_power={noise_power:.3g} mW is too little against the channels of block {singular_block} of the frame: the "
            "regularised matrix is singular in double precision; raise the noise or the path loss"
        )
