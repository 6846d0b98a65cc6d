"""Dense layers of small networks on one CPU core."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from trained.inference.parts.lanes import LANES, above_zero, add_scaled, load, store

ROWS = 4
"""Rows that a kernel takes at a time: arrays of rows are as long as a multiple of this."""
_COLUMNS = 2 * LANES


class Layer(NamedTuple):
    """weight (tiles, inputs, 32) and bias (32 tiles) float32: 32 outputs lie side by side, zeros follow the last one."""

    weight: np.ndarray
    bias: np.ndarray


def layer(weight: np.ndarray, bias: np.ndarray | None = None) -> Layer:
    """The layer y = W x + b for W (outputs, inputs) and b (outputs,), no bias by default."""
    outputs, inputs = weight.shape
    padded = np.zeros((padded_width(outputs), inputs), np.float32)
    padded[:outputs] = weight
    offset = np.zeros(len(padded), np.float32)
    offset[:outputs] = 0.0 if bias is None else bias
    return Layer(np.ascontiguousarray(padded.reshape(-1, _COLUMNS, inputs).swapaxes(1, 2)), offset)


def stacked(layers: list[Layer]) -> Layer:
    """Layers of one size behind each other, on a new first axis."""
    return Layer(np.stack([each.weight for each in layers]), np.stack([each.bias for each in layers]))


def padded_width(outputs: int) -> int:
    """Columns of the array that `dense` writes for a layer with so many outputs."""
    return -(-outputs // _COLUMNS) * _COLUMNS


@njit(cache=True, nogil=True)
def dense(x, weight, bias, rectify, out):
    """Write W x + b of every row x (rows, inputs or more), 0 in place of what is negative where `rectify`, to out (rows, 32 tiles).

    float32, rows a multiple of four. A row's result does not depend on its neighbours.
    """
    tiles, inputs, _ = weight.shape
    width = out.shape[1]
    for n in range(0, len(x), 4):
        x0, x1, x2, x3 = x[n], x[n + 1], x[n + 2], x[n + 3]
        for tile in range(tiles):
            column = 32 * tile
            a0 = a1 = a2 = a3 = load(bias, column)
            b0 = b1 = b2 = b3 = load(bias, column + 16)
            at = column * inputs
            for i in range(inputs):
                u, v = load(weight, at + 32 * i), load(weight, at + 32 * i + 16)
                a0, b0 = add_scaled(a0, x0[i], u), add_scaled(b0, x0[i], v)
                a1, b1 = add_scaled(a1, x1[i], u), add_scaled(b1, x1[i], v)
                a2, b2 = add_scaled(a2, x2[i], u), add_scaled(b2, x2[i], v)
                a3, b3 = add_scaled(a3, x3[i], u), add_scaled(b3, x3[i], v)
            if rectify:
                a0, a1, a2, a3 = above_zero(a0), above_zero(a1), above_zero(a2), above_zero(a3)
                b0, b1, b2, b3 = above_zero(b0), above_zero(b1), above_zero(b2), above_zero(b3)
            at = n * width + column
            store(out, at, a0)
            store(out, at + 16, b0)
            store(out, at + width, a1)
            store(out, at + width + 16, b1)
            store(out, at + 2 * width, a2)
            store(out, at + 2 * width + 16, b2)
            store(out, at + 3 * width, a3)
            store(out, at + 3 * width + 16, b3)
