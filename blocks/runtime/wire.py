"""calibeam's wire format, for edges between workers and for programs in any language.

One ZeroMQ multipart message is one frame: part 0 is a msgpack map, the header; then one part per array.

    key      msgpack type   meaning
    v        int            format version, 1
    kind     str            "data", "end" (no more frames will come) or "error" (the sender failed)
    start    int >= 0       index of the first coherence block            (data)
    count    int >= 1       number of coherence blocks in the frame       (data)
    arrays   array          one [name str, dtype str, shape array of int] per following part, in order (data)
    tags     map            str keys; values nil, bool, int, float, str, bin, or arrays and maps of these (data, optional)
    born_ns  int            sender's monotonic clock when the frame was made, for latency figures (data, optional)
    message  str            what failed (error)
    run      str            the tag "run" of frames that are refused: the sender of this message goes on with others (error, optional)

An array part holds the array's items in C order (last index fastest), little-endian, without padding: its length is
the product of the shape times the item size. The first entry of every shape is `count`. dtypes: "|b1", "|u1", "|i1",
"<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f4", "<f8", "<c8" (complex64: re, im float32), "<c16". A receiver refuses
anything else. Sockets are PUSH (sender) and PULL (receiver); either side may bind.

Example: two blocks of a (2, 1) complex64 array `h_est` starting at block 10 is the header
    {"v": 1, "kind": "data", "start": 10, "count": 2, "arrays": [["h_est", "<c8", [2, 2, 1]]]}
followed by one part of 32 bytes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import msgpack
import numpy as np

from blocks.runtime.errors import WireError
from blocks.runtime.frame import Frame
from blocks.runtime.refusal import Refusal

VERSION = 1
DTYPES = frozenset({"|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f4", "<f8", "<c8", "<c16"})
MAX_HEADER_BYTES = 1 << 20


class Marker(Enum):
    """What a message can be besides a frame."""

    END = "end"


END: Final = Marker.END


def encode(frame: Frame) -> list[Any]:
    """Message parts of a data frame: header bytes, then the arrays themselves (no copy for C-ordered little-endian ones)."""
    described: list[Any] = []
    parts: list[Any] = [b""]
    for name, array in frame.arrays.items():
        dtype = array.dtype.newbyteorder("<") if sys.byteorder == "big" else array.dtype
        array = np.ascontiguousarray(array, dtype)
        if dtype.str not in DTYPES:
            raise WireError(f"array {name} has dtype {array.dtype}, which the wire format does not carry")
        described.append([name, dtype.str, array.shape])
        parts.append(array)
    header = {"v": VERSION, "kind": "data", "start": frame.start, "count": frame.count, "arrays": described}
    if frame.tags:
        header["tags"] = frame.tags
    if frame.born_ns:
        header["born_ns"] = frame.born_ns
    try:
        parts[0] = msgpack.packb(header)
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"tags {frame.tags!r} cannot be sent: {error}") from None
    return parts


def encode_end() -> list[bytes]:
    """Message parts that end a stream."""
    return [msgpack.packb({"v": VERSION, "kind": "end"})]


def encode_error(message: str) -> list[bytes]:
    """Message parts that tell a receiver that the sender failed."""
    return [msgpack.packb({"v": VERSION, "kind": "error", "message": message})]


def encode_refusal(refusal: Refusal) -> list[bytes]:
    """Message parts that tell a receiver that the frames of its run cannot be used."""
    return [msgpack.packb({"v": VERSION, "kind": "error", "message": refusal.reason, "run": refusal.run})]


def decode(parts: Sequence[Any]) -> Frame | Marker | Refusal:
    """A Frame whose read-only arrays share the parts' memory, END, or a Refusal. Raises WireError for an error or a malformed message."""
    if not parts:
        raise WireError("an empty message")
    header = _header(memoryview(parts[0]))
    kind = header.get("kind")
    if kind == "end":
        return END
    if kind == "error" and "run" in header:
        refusal = Refusal.of(header, str(header.get("message")))
        if refusal is None:
            raise WireError(f"run is {header['run']!r}, expected a short string")
        return refusal
    if kind == "error":
        raise WireError(f"the sender failed: {header.get('message')}")
    if kind != "data":
        raise WireError(f"kind {kind!r} is not data, end or error")
    start, count = _integer(header, "start", 0), _integer(header, "count", 1)
    tags = header.get("tags", {})
    if not isinstance(tags, dict):
        raise WireError(f"tags are a {type(tags).__name__}, expected a map")
    described = header.get("arrays")
    if not isinstance(described, list) or len(described) != len(parts) - 1:
        raise WireError(
            f"the header describes {len(described) if isinstance(described, list) else 'no'} arrays, "
            f"the message has {len(parts) - 1} array parts"
        )
    arrays = {}
    for description, part in zip(described, parts[1:], strict=True):
        name, array = _array(description, memoryview(part), count)
        if name in arrays:
            raise WireError(f"array {name} is in the message twice")
        arrays[name] = array
    return Frame(start, arrays, tags, count, _integer(header, "born_ns", 0) if "born_ns" in header else 0)


def _header(content: memoryview) -> dict[str, Any]:
    if content.nbytes > MAX_HEADER_BYTES:
        raise WireError(f"a header of {content.nbytes} bytes; at most {MAX_HEADER_BYTES} are accepted")
    try:
        header = msgpack.unpackb(content)
    except Exception as error:
        raise WireError(f"the header is not msgpack ({type(error).__name__}: {error})") from None
    if not isinstance(header, dict):
        raise WireError(f"the header is a {type(header).__name__}, expected a map")
    if header.get("v") != VERSION:
        raise WireError(f"format version {header.get('v')!r}, this program speaks {VERSION}")
    return header


def _integer(header: dict[str, Any], key: str, least: int) -> int:
    value = header.get(key)
    if type(value) is not int or not least <= value < 2**63:
        raise WireError(f"{key} is {value!r}, expected an integer of at least {least}")
    return value


def _array(description: Any, part: memoryview, count: int) -> tuple[str, np.ndarray[Any, Any]]:
    if not (isinstance(description, list) and len(description) == 3):
        raise WireError(f"an array is described by {description!r}, expected [name, dtype, shape]")
    name, dtype, shape = description
    if not isinstance(name, str) or not isinstance(dtype, str) or dtype not in DTYPES:
        raise WireError(f"array {name!r} has dtype {dtype!r}; accepted are {', '.join(sorted(DTYPES))}")
    if not (isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**40 for n in shape) and len(shape) <= 16):
        raise WireError(f"array {name} has shape {shape!r}, expected a list of at most 16 sizes")
    if not shape or shape[0] != count:
        raise WireError(f"array {name} has shape {shape}, its first size has to be count={count}")
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if part.nbytes != size:
        raise WireError(f"array {name} of shape {shape} and dtype {dtype} needs {size} bytes, the part has {part.nbytes}")
    array = np.frombuffer(part, dtype).reshape(shape)
    array.flags.writeable = False
    return name, array
