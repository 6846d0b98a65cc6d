"""Messages between a flowgraph and its workers: msgpack maps, with NumPy arrays carried as dtype, shape and bytes."""

from __future__ import annotations

from typing import Any

import msgpack
import numpy as np

from blocks.runtime.wire import DTYPES

_ARRAY = "__array__"


def pack(message: dict[str, Any]) -> bytes:
    """Bytes of a message. Raises TypeError for a value that is none of nil, bool, number, str, bytes, list, map, array."""
    packed: bytes = msgpack.packb(message, default=_pack_array)
    return packed


def unpack(content: bytes) -> dict[str, Any]:
    """The message in `content`."""
    message: dict[str, Any] = msgpack.unpackb(content, object_hook=_unpack_array, strict_map_key=False)
    return message


def _pack_array(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.str in DTYPES:
        return {_ARRAY: [value.dtype.str, list(value.shape), value.tobytes()]}
    raise TypeError(f"a result or report holds a {type(value).__name__}; it may hold numbers, strings, lists, maps and arrays")


def _unpack_array(value: dict[Any, Any]) -> Any:
    if value.keys() != {_ARRAY}:
        return value
    dtype, shape, content = value[_ARRAY]
    if dtype not in DTYPES:
        raise ValueError(f"a control message holds an array of dtype {dtype!r}")
    return np.frombuffer(content, dtype).reshape(shape).copy()
