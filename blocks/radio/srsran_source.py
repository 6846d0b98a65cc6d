"""Samples from srsRAN's ZeroMQ radio."""

from __future__ import annotations

import numpy as np

from blocks.radio.inlet import Inlet
from blocks.radio.items import item_signal, items_of
from blocks.runtime.frame import Frame


class SrsranSource(Inlet):
    """Asks a transmitting srsRAN process (its tx_port) for samples.

    Out:  samples  () complex64   the leading axis counts samples; a frame is one reply, and the index counts samples from the start

    endpoint: tcp:// or ipc://; insecure, curve: see OutsideSocket. There is no header: the count of samples is the clock, and gaps
    are zeros. An empty reply carries no samples. What happens to bad messages: see Inlet.
    """

    request = b"\xff"

    def __init__(self, endpoint: str, insecure: bool = False, curve: str | None = None):
        super().__init__(endpoint, "req", "", False, insecure, curve)
        self.outputs = {"samples": item_signal("complex64", 1)}

    def frame(self, payload, position):
        samples = items_of(payload, self.outputs["samples"])
        return Frame(position, {"samples": samples.astype(np.complex64, copy=False)}) if len(samples) else None
