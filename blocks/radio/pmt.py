"""GNU Radio's polymorphic types (PMT) as bytes and as Python values.

    PMT                       Python
    true, false, null         True, False, None
    symbol                    str
    int32, int64              int
    uint64                    UInt64 (an int)
    double, complex           float, complex
    tuple, vector             tuple, Vector (a tuple)
    list                      list (null where it is empty)
    pair                      Pair(car, cdr), where the pairs are no list
    dict                      dict
    uniform vector            NumPy array of one dimension

All integers are big-endian. Source: gnuradio-runtime/lib/pmt/pmt_serialize.cc of GNU Radio 3.10, checked against its output.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_DEPTH = 64
MAX_SYMBOL_BYTES = 1024

_TRUE, _FALSE, _SYMBOL, _INT32, _DOUBLE, _COMPLEX, _NULL, _PAIR = range(8)
_VECTOR, _DICT, _UNIFORM, _UINT64, _TUPLE, _INT64 = range(8, 14)
_NUMBERS = {
    _INT32: struct.Struct(">i"),
    _INT64: struct.Struct(">q"),
    _UINT64: struct.Struct(">Q"),
    _DOUBLE: struct.Struct(">d"),
    _COMPLEX: struct.Struct(">dd"),
}
_UNIFORM_DTYPES = tuple(map(np.dtype, (">u1", ">i1", ">u2", ">i2", ">u4", ">i4", ">u8", ">i8", ">f4", ">f8", ">c8", ">c16")))
_COUNT = struct.Struct(">I")


class PmtError(ValueError):
    """Bytes that are no PMT, or a value that no PMT can hold; the message says why."""


class UInt64(int):
    """An integer that travels as uint64, for example the full seconds of an rx_time tag."""

    def __new__(cls, value: int):
        if not 0 <= value < 2**64:
            raise PmtError(f"{value} is not in 0 ... 2^64 - 1")
        return super().__new__(cls, value)


class Vector(tuple):
    """A PMT vector of any values; a plain tuple travels as a PMT tuple."""

    __slots__ = ()


@dataclass(frozen=True)
class Pair:
    """Two values; a PDU is Pair(metadata dict or None, array)."""

    car: Any
    cdr: Any


def encode(value: Any) -> bytes:
    """Bytes of a value, as GNU Radio writes them. Raises PmtError for what no PMT can hold."""
    parts: list[bytes] = []
    _write(value, parts, 0)
    return b"".join(parts)


def decode(content: bytes | memoryview) -> Any:
    """The value in `content`. Raises PmtError where it is malformed or goes on after the value."""
    value, at = decode_at(content, 0)
    if at != len(content):
        raise PmtError(f"{len(content) - at} bytes follow the value")
    return value


def decode_at(content: bytes | memoryview, at: int) -> tuple[Any, int]:
    """(value, position after it) of the PMT at position `at`. Raises PmtError where it is malformed."""
    return _read(memoryview(content), at, 0)


def _write(value, parts, depth):
    if depth > MAX_DEPTH:
        raise PmtError(f"values are nested deeper than {MAX_DEPTH}")
    if value is None:
        parts.append(bytes([_NULL]))
    elif isinstance(value, (bool, np.bool_)):
        parts.append(bytes([_TRUE if value else _FALSE]))
    elif isinstance(value, str):
        text = value.encode()
        if len(text) > MAX_SYMBOL_BYTES:
            raise PmtError(f"a symbol of {len(text)} bytes; GNU Radio takes at most {MAX_SYMBOL_BYTES}")
        parts += [bytes([_SYMBOL]), struct.pack(">H", len(text)), text]
    elif isinstance(value, (int, np.integer)):
        parts += _integer(value)
    elif isinstance(value, (float, np.floating)):
        parts += [bytes([_DOUBLE]), _NUMBERS[_DOUBLE].pack(value)]
    elif isinstance(value, (complex, np.complexfloating)):
        parts += [bytes([_COMPLEX]), _NUMBERS[_COMPLEX].pack(value.real, value.imag)]
    elif isinstance(value, tuple):
        parts += [bytes([_VECTOR if isinstance(value, Vector) else _TUPLE]), _COUNT.pack(len(value))]
        for item in value:
            _write(item, parts, depth + 1)
    elif isinstance(value, list):
        for item in value:
            parts.append(bytes([_PAIR]))
            _write(item, parts, depth + 1)
        parts.append(bytes([_NULL]))
    elif isinstance(value, dict):
        for key, item in value.items():
            parts.append(bytes([_DICT, _PAIR]))
            _write(key, parts, depth + 1)
            _write(item, parts, depth + 1)
        parts.append(bytes([_NULL]))
    elif isinstance(value, Pair):
        parts.append(bytes([_PAIR]))
        _write(value.car, parts, depth + 1)
        _write(value.cdr, parts, depth + 1)
    elif isinstance(value, np.ndarray):
        parts += _uniform(value)
    else:
        raise PmtError(f"a {type(value).__name__} has no PMT; see the table in blocks/radio/pmt.py")


def _integer(value):
    if isinstance(value, (UInt64, np.uint64)) or value >= 2**63:
        return [bytes([_UINT64]), _NUMBERS[_UINT64].pack(UInt64(value))]
    kind = _INT32 if -(2**31) <= value < 2**31 else _INT64
    if value < -(2**63):
        raise PmtError(f"{value} is below -2^63")
    return [bytes([kind]), _NUMBERS[kind].pack(value)]


def _uniform(array):
    dtype = array.dtype.newbyteorder(">")
    if array.ndim != 1 or dtype not in _UNIFORM_DTYPES:
        raise PmtError(
            f"an array of shape {array.shape} and dtype {array.dtype} is no uniform vector; it takes one dimension "
            "of integers, float32/64 or complex64/128"
        )
    return [bytes([_UNIFORM, _UNIFORM_DTYPES.index(dtype)]), _COUNT.pack(len(array)), b"\x01\x00", array.astype(dtype).tobytes()]


def _read(content, at, depth):
    if depth > MAX_DEPTH:
        raise PmtError(f"values are nested deeper than {MAX_DEPTH}")
    kind, at = _take(content, at, 1)[0], at + 1
    if kind == _NULL:
        return None, at
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        values = number.unpack(_take(content, at, number.size))
        value = complex(*values) if kind == _COMPLEX else UInt64(values[0]) if kind == _UINT64 else values[0]
        return value, at + number.size
    if kind == _SYMBOL:
        (size,), at = struct.unpack(">H", _take(content, at, 2)), at + 2
        if size > MAX_SYMBOL_BYTES:
            raise PmtError(f"a symbol of {size} bytes; at most {MAX_SYMBOL_BYTES} are accepted")
        try:
            return str(_take(content, at, size), "utf-8"), at + size
        except UnicodeDecodeError as error:
            raise PmtError(f"a symbol is not UTF-8: {error}") from None
    if kind == _UNIFORM:
        return _read_uniform(content, at)
    if kind in (_VECTOR, _TUPLE):
        (count,), at = _COUNT.unpack(_take(content, at, 4)), at + 4
        _take(content, at, count)
        items = []
        for _ in range(count):
            item, at = _read(content, at, depth + 1)
            items.append(item)
        return (Vector if kind == _VECTOR else tuple)(items), at
    if kind == _PAIR:
        return _read_pairs(content, at, depth)
    if kind == _DICT:
        return _read_dict(content, at, depth)
    raise PmtError(f"type byte {kind:#04x} is not known")


def _read_uniform(content, at):
    subtype, (count,), padding = _take(content, at, 1)[0], _COUNT.unpack(_take(content, at + 1, 4)), _take(content, at + 5, 1)[0]
    if subtype >= len(_UNIFORM_DTYPES):
        raise PmtError(f"uniform-vector subtype {subtype:#04x} is not known")
    dtype = _UNIFORM_DTYPES[subtype]
    at += 6 + padding
    items = np.frombuffer(_take(content, at, count * dtype.itemsize), dtype)
    return items.astype(dtype.newbyteorder("=")), at + count * dtype.itemsize


def _read_pairs(content, at, depth):
    """Pairs nested in their cdr, without recursion: a list where they end in null, else Pairs."""
    items = []
    while True:
        item, at = _read(content, at, depth + 1)
        items.append(item)
        kind = _take(content, at, 1)[0]
        if kind == _NULL:
            return items, at + 1
        if kind != _PAIR:
            break
        at += 1
    if depth + len(items) > MAX_DEPTH:
        raise PmtError(f"pairs are nested deeper than {MAX_DEPTH}")
    value, at = _read(content, at, depth + 1)
    for item in reversed(items):
        value = Pair(item, value)
    return value, at


def _read_dict(content, at, depth):
    entries: dict = {}
    while True:
        if _take(content, at, 1)[0] != _PAIR:
            raise PmtError("a dict entry is no pair")
        key, at = _read(content, at + 1, depth + 1)
        value, at = _read(content, at, depth + 1)
        try:
            if key in entries:
                raise PmtError(f"a dict has the key {key!r} twice")
            entries[key] = value
        except TypeError:
            raise PmtError(f"a dict has a {type(key).__name__} as key; symbols and numbers are accepted") from None
        kind, at = _take(content, at, 1)[0], at + 1
        if kind == _NULL:
            return entries, at
        if kind != _DICT:
            raise PmtError(f"a dict goes on with type byte {kind:#04x}")


def _take(content, at, size):
    if size > len(content) - at:
        raise PmtError(f"it breaks off: {size} bytes are needed at byte {at}, {max(0, len(content) - at)} are there")
    return content[at : at + size]
