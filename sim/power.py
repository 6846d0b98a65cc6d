"""Transmit power of precoders."""

from __future__ import annotations

import numpy as np
from numba import njit


def first_above(v: np.ndarray, power: float) -> int:
    """Number of the first precoder in v (B, ...) complex64 whose total power is not within `power`, NaN included; -1 where all are."""
    return int(_first_above(v.reshape(len(v), -1), power))


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _first_above(v: np.ndarray, power: float) -> int:
    blocks, entries = v.shape
    for b in range(blocks):
        total = 0.0
        for i in range(entries):
            total += v[b, i].real * v[b, i].real + v[b, i].imag * v[b, i].imag
        if not total <= power:
            return b
    return -1
