"""Stream tags of GNU Radio: beside the frames of a flowgraph, and in the header of a ZeroMQ message.

In a Frame, tags["stream_tags"] is a list of [offset, PMT bytes of key, of value, of source], so that types survive the wire.
The header of a message that carries tags, little-endian but for the PMTs:
    u16 0x5FF0, u8 version 1, u64 absolute index of the first item, u64 number of tags, then per tag
    u64 absolute offset, PMT key, PMT value, PMT source
Source: gr-zeromq/lib/tag_headers.cc of GNU Radio 3.10, checked against its output.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from blocks.radio import pmt
from blocks.radio.pmt import PmtError

NAME = "stream_tags"
MAGIC, VERSION = 0x5FF0, 1
_HEADER, _OFFSET = struct.Struct("<HBQQ"), struct.Struct("<Q")
_LEAST_TAG_BYTES = _OFFSET.size + 3


@dataclass(frozen=True)
class StreamTag:
    """A note at one item: `offset` counts items (vectors, where vlen > 1) from the start of the stream; the rest are PMT values."""

    offset: int
    key: Any
    value: Any = None
    source: Any = False

    def moved(self, offset: int) -> StreamTag:
        """The same note at another item."""
        return replace(self, offset=offset)

    def content(self) -> bytes:
        """The PMTs of key, value and source. Raises PmtError where a value has none."""
        return b"".join(map(pmt.encode, (self.key, self.value, self.source)))

    @classmethod
    def read(cls, offset: int, content: bytes | memoryview, at: int = 0) -> tuple[StreamTag, int]:
        """(tag, position after it) of the PMTs at position `at`. Raises PmtError where one is malformed."""
        values = []
        for _ in range(3):
            value, at = pmt.decode_at(content, at)
            values.append(value)
        return cls(offset, *values), at


def stream_tags(tags: dict, index: range | None = None) -> list[StreamTag]:
    """The stream tags that follow a frame with these frame tags, of the items in `index` alone where it is given.

    A frame that was split carries the tags of all its parts.
    """
    return [StreamTag(offset, *map(pmt.decode, parts)) for offset, *parts in tags.get(NAME, ()) if index is None or offset in index]


def add_stream_tags(tags: dict, more: Iterable[StreamTag]) -> None:
    """Put stream tags with a frame. Raises PmtError where a value has no PMT."""
    added = [[tag.offset, *map(pmt.encode, (tag.key, tag.value, tag.source))] for tag in more]
    if added:
        tags[NAME] = [*tags.get(NAME, ()), *added]


def encode_header(first: int, tags: list[StreamTag]) -> bytes:
    """The header of a message whose first item has the absolute index `first`."""
    parts = [_HEADER.pack(MAGIC, VERSION, first, len(tags))]
    for tag in tags:
        parts += [_OFFSET.pack(tag.offset), tag.content()]
    return b"".join(parts)


def decode_header(content: memoryview) -> tuple[int, list[StreamTag], int]:
    """(absolute index of the first item, tags, position of the payload). Raises PmtError where the header is malformed."""
    if len(content) < _HEADER.size:
        raise PmtError(f"{len(content)} bytes are too few for a tag header; does the sender have pass_tags on?")
    magic, version, first, count = _HEADER.unpack_from(content)
    if magic != MAGIC or version != VERSION:
        raise PmtError(f"it begins with {bytes(content[:3]).hex()}, a tag header with f05f01; does the sender have pass_tags on?")
    at = _HEADER.size
    if count * _LEAST_TAG_BYTES > len(content) - at:
        raise PmtError(f"{count} tags are announced, {len(content) - at} bytes follow")
    if first >= 2**63:
        raise PmtError(f"the first item has index {first}; at most 2^63 - 1 is accepted")
    tags = []
    for _ in range(count):
        if len(content) - at < _OFFSET.size:
            raise PmtError("a tag breaks off")
        (offset,) = _OFFSET.unpack_from(content, at)
        tag, at = StreamTag.read(offset, content, at + _OFFSET.size)
        tags.append(tag)
    return first, tags, at
