"""Messages and PDUs from GNU Radio."""

from __future__ import annotations

import numpy as np

from blocks.radio import pmt
from blocks.radio.inlet import Inlet
from blocks.radio.pmt import Pair, PmtError
from blocks.runtime import Signal
from blocks.runtime.frame import Frame


class GNURadioMessageSource(Inlet):
    """Messages that a ZMQ PUSH, PUB or REP Message Sink of GNU Radio sends.

    Out:  message  (bytes,) uint8   one PMT per message, serialised: blocks.radio.pmt.decode(message[0].tobytes()) is its value

    With one keyword, as in GNURadioMessageSource(endpoint, h_est=Signal(64, 8)), it takes PDUs instead: their uniform vector holds one
    coherence block or several, and the frame's tags["pdu"] the metadata as bytes of a PMT. A PDU of another dtype or length
    counts as a bad message.
    endpoint, socket, bind, insecure, curve: as in GNURadioSource. What happens to bad messages: see Inlet.
    """

    def __init__(
        self, endpoint: str, socket: str = "pull", bind: bool = False, insecure: bool = False, curve: str | None = None, **pdu: Signal
    ):
        if len(pdu) > 1:
            raise ValueError(f"a PDU holds one array, got {', '.join(pdu)}")
        for name, signal in pdu.items():
            if signal.any_shape or signal.dtype is None or not all(isinstance(dim, int) and dim > 0 for dim in signal.dims):
                raise ValueError(f"{name}={signal!r} needs its sizes and dtype as they are, for example Signal(64, 8)")
        super().__init__(endpoint, socket, "", bind, insecure, curve)
        self.pdu = next(iter(pdu), None)
        self.outputs = pdu or {"message": Signal(..., dtype="uint8")}

    def frame(self, payload, position):
        value = pmt.decode(payload)
        if self.pdu is None:
            return Frame(position, {"message": np.frombuffer(payload, np.uint8)[None]})
        if not (isinstance(value, Pair) and isinstance(value.cdr, np.ndarray) and (value.car is None or isinstance(value.car, dict))):
            raise PmtError("the message is no PDU, a pair of a dict and a uniform vector")
        signal = self.outputs[self.pdu]
        size = int(np.prod(signal.dims, dtype=int))
        if value.cdr.dtype != signal.dtype or not len(value.cdr) or len(value.cdr) % size:
            raise PmtError(f"a PDU of {len(value.cdr)} {value.cdr.dtype}, expected {signal.dtype} and a multiple of {size}")
        return Frame(position, {self.pdu: value.cdr.reshape(-1, *signal.dims)}, {"pdu": pmt.encode(value.car)})
