"""Frames in a file.

A recording is the 12 bytes "calibeam" + version (uint32), then one record per frame: the number of message parts
(uint32), the length of each (uint64), the parts themselves, all little-endian. The parts are those of the wire format
(blocks/runtime/wire.py); a complete recording ends with its end message.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from blocks.runtime.errors import WireError
from blocks.runtime.frame import Frame
from blocks.runtime.refusal import Refusal
from blocks.runtime.wire import END, decode

MAGIC = b"calibeam"
VERSION = 1
_MAX_PARTS = 1024


def file_header() -> bytes:
    """The bytes that open a recording."""
    return MAGIC + struct.pack("<I", VERSION)


def write_record(file: BinaryIO, parts: Sequence[Any]) -> None:
    """Append one message to an open binary file."""
    views = [memoryview(part).cast("B") if memoryview(part).nbytes else b"" for part in parts]
    file.write(struct.pack(f"<I{len(views)}Q", len(views), *(len(view) for view in views)))
    for view in views:
        file.write(view)


def read_recording(path: Path) -> Iterator[Frame]:
    """All frames of a recording, in order, sharing the mapped file's memory.

    Raises FileNotFoundError, and WireError where the file is no recording or breaks off; complete frames come first.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file; give a recording made by FileSink")
    if path.stat().st_size < len(file_header()):
        raise WireError(f"{path} is not a recording: it is shorter than the header")
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    if bytes(content[:8]) != MAGIC:
        raise WireError(f"{path} is not a recording: it does not begin with {MAGIC.decode()!r}")
    (version,) = struct.unpack_from("<I", content, 8)
    if version != VERSION:
        raise WireError(f"{path} has recording version {version}, this program reads {VERSION}")
    at, number = len(file_header()), 0
    while at < len(content):
        parts, at = _record(content, at, path, number)
        try:
            frame = decode(parts)
        except WireError as error:
            raise WireError(f"{path}, frame {number}: {error}") from None
        if frame is END:
            return
        if isinstance(frame, Refusal):
            raise WireError(f"{path}, frame {number}: a refusal, which no recording holds")
        yield frame
        number += 1
    raise WireError(f"{path} breaks off after {number} complete frames: its end is missing")


def _record(content: memoryview, at: int, path: Path, number: int) -> tuple[list[memoryview], int]:
    broken = WireError(f"{path} breaks off after {number} complete frames")
    if at + 4 > len(content):
        raise broken
    (count,) = struct.unpack_from("<I", content, at)
    if not 1 <= count <= _MAX_PARTS:
        raise WireError(f"{path}, frame {number}: {count} message parts, expected 1 to {_MAX_PARTS}")
    at += 4
    if at + 8 * count > len(content):
        raise broken
    sizes = struct.unpack_from(f"<{count}Q", content, at)
    at += 8 * count
    parts = []
    for size in sizes:
        if size > len(content) - at:
            raise broken
        parts.append(content[at : at + size])
        at += size
    return parts, at
