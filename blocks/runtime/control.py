"""Messages between a flowgraph and its workers: msgpack maps, with NumPy arrays carried as dtype, shape and bytes."""

from __future__ import annotations

import msgpack
import numpy as np

from blocks.runtime.wire import DTYPES

_ARRAY = "__array__"


def pack(message: dict) -> bytes:
    """Bytes of a message. Raises TypeError for a value that is none of nil, bool, number, str, bytes, list, map, array."""
    return msgpack.packb(message, default=_pack_array)


def unpack(content: bytes) -> dict:
    """The message in `content`."""
    return msgpack.unpackb(content, object_hook=_unpack_array, strict_map_key=False)


def _pack_array(value):
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.str in DTYPES:
        return {_ARRAY: [value.dtype.str, list(value.shape), value.tobytes()]}
    raise TypeError(f"a result or report holds a {type(value).__name__}; it may hold numbers, strings, lists, maps and arrays")


def _unpack_array(value):
    if value.keys() != {_ARRAY}:
        return value
    dtype, shape, content = value[_ARRAY]
    if dtype not in DTYPES:
        raise ValueError(f"a control message holds an array of dtype {dtype!r}")
    return np.frombuffer(content, dtype).reshape(shape).copy()
