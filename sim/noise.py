"""Complex white Gaussian noise that depends on (seed, stream, coherence block) alone."""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numba import njit

from sim.philox import philox4x32, philox_key


class Stream(IntEnum):
    """Independent random streams of one seed; user code may take any number from FIRST_FREE on."""

    USERS = 0
    SPLIT = 1
    UPLINK_NOISE = 2
    SYMBOLS = 3
    DOWNLINK_NOISE = 4
    FADING = 5
    UPLINK_FADING = 6
    FIRST_FREE = 16


def complex_normal(seed: int, stream: int, index: range | np.ndarray, shape: tuple[int, ...], variance: float) -> np.ndarray:
    """Independent CN(0, variance) samples, one array of `shape` for each coherence block in `index`.

    index: a range, or block numbers (n,) int64. Returns (len(index), *shape) complex64. Philox4x32-10 words through the Box-Muller
    transform; entry j of block i depends on (seed, stream, i, j) alone.
    """
    if not (math.isfinite(variance) and variance >= 0):
        raise ValueError(f"variance={variance} is not a finite number >= 0")
    if not 0 <= stream < 2**32:
        raise ValueError(f"stream={stream} is not in 0 ... 2^32 - 1")
    samples = np.empty((len(index), math.prod(shape)), np.complex64)
    blocks = np.arange(index.start, index.start + len(index)) if isinstance(index, range) else index
    _fill(samples, blocks, philox_key(seed), np.uint32(stream), math.sqrt(variance))
    return samples.reshape(len(index), *shape)


@njit(cache=True, nogil=True)
def _box_muller(u: np.uint32, v: np.uint32, scale: float) -> complex:
    radius = np.float32(scale) * math.sqrt(-math.log((np.float32(u >> np.uint32(8)) + np.float32(0.5)) * np.float32(2.0**-24)))
    angle = np.float32(np.int32(v)) * np.float32(math.pi / 2**31)
    return complex(radius * math.cos(angle), radius * math.sin(angle))


@njit(cache=True, nogil=True)
def _fill(samples: np.ndarray, index: np.ndarray, key: np.ndarray, stream: np.uint32, scale: float) -> None:
    blocks, count = samples.shape
    for b in range(blocks):
        block = np.uint64(index[b])
        low, high = np.uint32(block), np.uint32(block >> np.uint64(32))
        for pair in range((count + 1) // 2):
            w = philox4x32(np.uint32(pair), low, high, stream, key[0], key[1])
            samples[b, 2 * pair] = _box_muller(w[0], w[1], scale)
            if 2 * pair + 1 < count:
                samples[b, 2 * pair + 1] = _box_muller(w[2], w[3], scale)
