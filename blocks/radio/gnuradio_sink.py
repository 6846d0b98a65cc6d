"""Sample streams to GNU Radio."""

from __future__ import annotations

import struct

import numpy as np

from blocks.radio.items import item_signal
from blocks.radio.outlet import Outlet
from blocks.radio.stream_tags import encode_header, stream_tags
from blocks.runtime import read_only


class GNURadioSink(Outlet):
    """Sends items to a ZMQ PULL, SUB or REQ Source of GNU Radio; a frame is one message.

    In:   samples  () or (vlen,) dtype   the leading axis counts items

    endpoint, dtype, vlen: as in GNURadioSource; socket: "push", "pub" or "rep", whose source is PULL, SUB or REQ; tags: True where
    the source has Pass Tags on; key: sent before every message of a "pub" sink; bind: True, as GNU Radio's sources connect;
    insecure, curve: see OutsideSocket. Who waits for whom: see Outlet. There is no end message: GNU Radio goes on waiting.
    """

    def __init__(
        self,
        endpoint: str,
        dtype: str = "complex64",
        vlen: int = 1,
        socket: str = "push",
        tags: bool = False,
        key: str = "",
        bind: bool = True,
        insecure: bool = False,
        curve: str | None = None,
    ):
        super().__init__(endpoint, socket, key, bind, insecure, curve)
        self.has_tags = tags
        self.inputs = {"samples": item_signal(dtype, vlen)}

    def work(self, index, tags, samples):
        samples = np.ascontiguousarray(samples, samples.dtype.newbyteorder("<"))
        noted = stream_tags(tags, index) if self.has_tags else []
        if self.kind == "rep":
            self._answer(index.start, samples, noted)
        else:
            self.send(self._message(index.start, samples, noted))

    def _answer(self, start, samples, tags):
        """Hand the items out in pieces no larger than what is asked for."""
        while len(samples):
            request = self.requested()
            if request is None:
                return
            most = struct.unpack("<I", request)[0] if len(request) == 4 else 0
            piece, samples = samples[:most], samples[most:]
            self.send(self._message(start, piece, [tag for tag in tags if start <= tag.offset < start + len(piece)]))
            start += len(piece)

    def _message(self, start, samples, tags):
        return encode_header(start, tags) + samples.tobytes() if self.has_tags else read_only(samples)
