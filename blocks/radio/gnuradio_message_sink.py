"""Messages and PDUs to GNU Radio."""

from __future__ import annotations

from blocks.radio import pmt
from blocks.radio.outlet import Outlet
from blocks.radio.pmt import Pair, PmtError, UInt64
from blocks.radio.stream_tags import stream_tags


class GNURadioMessageSink(Outlet):
    """Sends messages to a ZMQ PULL, SUB or REQ Message Source of GNU Radio.

    In:   whatever one port is connected to it. A port `message` (bytes,) uint8 holds serialised PMTs (blocks.radio.pmt.encode);
          any other array leaves as PDUs, one per coherence block: a uniform vector in C order, with the metadata
          {"block": index, "name": port, "shape": (M, K)} and the block's stream tags by their keys, e.g. "burst"

    endpoint, socket, bind, insecure, curve: as in GNURadioSink. Raises PmtError for bytes that are no PMT and for values that abort
    GNU Radio's process (an empty tuple).
    """

    def __init__(self, endpoint: str, socket: str = "push", bind: bool = True, insecure: bool = False, curve: str | None = None):
        super().__init__(endpoint, socket, "", bind, insecure, curve)
        self.inputs = {}

    def offer(self, ports):
        self.inputs = dict(list({**self.inputs, **ports}.items())[:1])

    def work(self, index, tags, **arrays):
        [(name, blocks)] = arrays.items()
        noted = stream_tags(tags)
        for number, block in zip(index, blocks, strict=True):
            if name == "message":
                message = block.tobytes()
                refuse_deadly(pmt.decode(message))
            else:
                about = {str(tag.key): tag.value for tag in noted if tag.offset == number}
                about |= {"block": UInt64(number), "name": name, "shape": block.shape or (1,)}
                message = pmt.encode(Pair(about, block.ravel()))
            if self.kind == "rep" and self.requested() is None:
                return
            self.send(message)


def refuse_deadly(value) -> None:
    """Raise PmtError for a value that GNU Radio 3.10 cannot read without aborting: an empty tuple, however deep."""
    if type(value) is tuple and not value:
        raise PmtError("an empty tuple aborts the GNU Radio process that receives it; send None, or an empty vector")
    parts = {
        tuple: lambda: value,
        pmt.Vector: lambda: value,
        list: lambda: value,
        dict: lambda: (*value.keys(), *value.values()),
        Pair: lambda: (value.car, value.cdr),
    }.get(type(value), tuple)()
    for part in parts:
        refuse_deadly(part)
