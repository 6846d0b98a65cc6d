"""Sample streams from GNU Radio."""

from __future__ import annotations

import struct

from blocks.radio.inlet import Inlet
from blocks.radio.items import item_signal, items_of
from blocks.radio.stream_tags import StreamTag, add_stream_tags, decode_header
from blocks.runtime.frame import Frame


class GNURadioSource(Inlet):
    """Items that a ZMQ PUSH, PUB or REP Sink of GNU Radio sends.

    Out:  samples  () or (vlen,) dtype   the leading axis counts items; a frame is one message, or several that waited

    endpoint: tcp:// or ipc://; dtype: complex64, float32, int32, int16 or uint8; socket: "pull", "sub" or "req", whose sink is
    PUSH, PUB or REP; tags: True where the sink has Pass Tags on (stream tags then follow the frames, see
    blocks/radio/stream_tags.py, and indices are the sender's); key: the PUB messages wanted, by the first bytes of their key; bind:
    False connects, as GNU Radio's sinks bind; ask_for: the most items that a REP sink may send at once; insecure, curve: see
    OutsideSocket. What happens to bad messages: see Inlet.
    """

    merges = True

    def __init__(
        self,
        endpoint: str,
        dtype: str = "complex64",
        vlen: int = 1,
        socket: str = "pull",
        tags: bool = False,
        key: str = "",
        bind: bool = False,
        ask_for: int = 4096,
        insecure: bool = False,
        curve: str | None = None,
    ):
        if not 1 <= ask_for < 2**32:
            raise ValueError(f"ask_for={ask_for} is not in 1 ... 2^32 - 1")
        super().__init__(endpoint, socket, key, bind, insecure, curve)
        self.has_tags, self.request = tags, struct.pack("<I", ask_for)
        self.outputs = {"samples": item_signal(dtype, vlen)}

    def frame(self, payload, position):
        tags: list[StreamTag] = []
        if self.has_tags:
            position, tags, at = decode_header(payload)
            payload = payload[at:]
        items = items_of(payload, self.outputs["samples"])
        if not len(items):
            return None
        frame = Frame(position, {"samples": items.astype(items.dtype.newbyteorder("="), copy=False)})
        add_stream_tags(frame.tags, tags)
        return frame
