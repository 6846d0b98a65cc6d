"""Items of a sample stream: what GNU Radio calls an item is one entry, or vector, along an array's leading axis."""

from __future__ import annotations

import math

import numpy as np

from blocks.runtime import Signal

DTYPES = ("complex64", "float32", "int32", "int16", "uint8")


def item_signal(dtype: str, vlen: int) -> Signal:
    """The port of a stream: arrays (n,) where vlen is 1, else (n, vlen). Raises ValueError for what GNU Radio does not stream."""
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} is not one of {', '.join(DTYPES)}")
    if vlen < 1:
        raise ValueError(f"vlen={vlen} has to be at least 1")
    return Signal(*(() if vlen == 1 else (vlen,)), dtype=dtype)


def items_of(payload, signal: Signal) -> np.ndarray:
    """The items in little-endian bytes, without a copy. Raises ValueError where the bytes are not whole items."""
    dtype = np.dtype(signal.dtype)
    size = dtype.itemsize * math.prod(signal.dims)
    if len(payload) % size:
        raise ValueError(
            f"{len(payload)} bytes are not a whole number of items of {size} bytes; do dtype and vlen agree on both sides, "
            "and pass_tags with tags=?"
        )
    return np.frombuffer(payload, dtype.newbyteorder("<")).reshape(-1, *signal.dims)
