"""Philox4x32-10 counter-based random numbers: the same counter and key give the same words anywhere, in any order."""

from __future__ import annotations

import numpy as np
from numba import njit

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_32 = np.uint64(32)


@njit(cache=True, nogil=True)
def philox4x32(
    c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32
) -> tuple[np.uint32, np.uint32, np.uint32, np.uint32]:
    """Four uint32 words for a 128-bit counter (c0..c3) and a 64-bit key (k0, k1), all uint32.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    for _ in range(10):
        p0 = _M0 * np.uint64(c0)
        p1 = _M1 * np.uint64(c2)
        c0 = np.uint32((p1 >> _32) ^ c1 ^ k0)
        c1 = np.uint32(p1)
        c2 = np.uint32((p0 >> _32) ^ c3 ^ k1)
        c3 = np.uint32(p0)
        k0 = np.uint32(k0 + _W0)
        k1 = np.uint32(k1 + _W1)
    return c0, c1, c2, c3


@njit(cache=True, nogil=True)
def philox_words(counters: np.ndarray, key: np.ndarray) -> np.ndarray:
    """(N, 4) uint32 words for (N, 4) uint32 counters and a (2,) uint32 key."""
    words = np.empty_like(counters)
    for n in range(len(counters)):
        w = philox4x32(counters[n, 0], counters[n, 1], counters[n, 2], counters[n, 3], key[0], key[1])
        words[n, 0], words[n, 1], words[n, 2], words[n, 3] = w
    return words


def philox_key(seed: int) -> np.ndarray:
    """(2,) uint32 key for a seed of up to 64 bits. Raises ValueError for any other seed."""
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed={seed} is not in 0 ... 2^64 - 1")
    return np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint32)
