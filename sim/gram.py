"""Small Hermitian kernels that the precoders share: Gram matrices, their inverses, and V = H X."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.checks import positive

_SINGULAR = 1e-13


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def gram(h: np.ndarray, g: np.ndarray) -> None:
    """Write H^H H (K, K) complex128 of h (M, K) into g."""
    re, im = _columns(h)
    users, antennas = re.shape
    for i in range(users):
        for j in range(i + 1):
            real, imag = 0.0, 0.0
            for m in range(antennas):
                real += re[i, m] * re[j, m] + im[i, m] * im[j, m]
                imag += re[i, m] * im[j, m] - im[i, m] * re[j, m]
            g[i, j], g[j, i] = complex(real, imag), complex(real, -imag)
        g[i, i] = g[i, i].real


@njit(cache=True, nogil=True)
def invert_hermitian(a: np.ndarray) -> bool:
    """Replace a positive definite a (K, K) complex128 by its inverse; False where it is singular to working precision."""
    largest = 0.0
    for k in range(len(a)):
        largest = max(largest, a[k, k].real)
    scratch = np.empty((2, 2 * len(a)))
    return sweep(a.view(np.float64), _SINGULAR * largest, scratch[0], scratch[1])


@njit(cache=True, nogil=True, fastmath={"contract"})
def sweep(rows: np.ndarray, smallest: float, row: np.ndarray, turned: np.ndarray) -> bool:
    """Replace a Hermitian matrix by its inverse; False once a pivot is not above `smallest`.

    rows: (K, 2 K) float64 view of it, so that adding a complex multiple of a row is one loop that adds two real ones; row, turned: (2 K,)
    float64, overwritten. The multiples are read from the pivot row alone: read from its column, which differs by rounding, they would lose
    nearly dependent users.
    """
    size = len(rows)
    for k in range(size):
        pivot = rows[k, 2 * k]
        if not pivot > smallest:
            return False
        d = 1.0 / pivot
        for c in range(2 * size):
            row[c] = rows[k, c] * d
        for j in range(size):
            turned[2 * j], turned[2 * j + 1] = -rows[k, 2 * j + 1] * d, rows[k, 2 * j] * d
        for i in range(size):
            if i != k:
                re, im = (-rows[k, 2 * i], rows[k, 2 * i + 1]) if i < k else (rows[k, 2 * i], -rows[k, 2 * i + 1])
                for c in range(2 * size):
                    rows[i, c] = rows[i, c] - re * row[c] - im * turned[c]
                rows[i, 2 * k], rows[i, 2 * k + 1] = -re * d, -im * d
        for c in range(2 * size):
            rows[k, c] = row[c]
        rows[k, 2 * k], rows[k, 2 * k + 1] = d, 0.0
    return True


@njit(cache=True, nogil=True, fastmath={"contract"})
def combine(h: np.ndarray, x: np.ndarray, v: np.ndarray) -> None:
    """Write V = H X into v (M, K) complex64."""
    re, im = _columns(h)
    users, antennas = re.shape
    real, imag = np.empty(antennas), np.empty(antennas)
    for k in range(users):
        real[:] = 0.0
        imag[:] = 0.0
        for j in range(users):
            a, b = x[j, k].real, x[j, k].imag
            for m in range(antennas):
                real[m] = real[m] + a * re[j, m] - b * im[j, m]
                imag[m] = imag[m] + a * im[j, m] + b * re[j, m]
        for m in range(antennas):
            v[m, k] = complex(real[m], imag[m])


@njit(cache=True, nogil=True)
def _columns(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary parts (K, M) float64 of h (M, K), each user's antennas side by side."""
    antennas, users = h.shape
    re, im = np.empty((users, antennas)), np.empty((users, antennas))
    for m in range(antennas):
        for k in range(users):
            re[k, m], im[k, m] = h[m, k].real, h[m, k].imag
    return re, im


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
