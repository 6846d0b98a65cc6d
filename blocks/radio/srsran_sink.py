"""Samples to srsRAN's ZeroMQ radio."""

from __future__ import annotations

import numpy as np

from blocks.radio.items import item_signal
from blocks.radio.outlet import Outlet
from blocks.runtime import read_only


class SrsranSink(Outlet):
    """Answers a receiving srsRAN process (its rx_port) with samples, one frame per request.

    In:   samples  () complex64   the leading axis counts samples, whose number is srsRAN's clock

    endpoint: tcp:// or ipc://; insecure, curve: see OutsideSocket. Indices that jump (a stream with gaps) send zeros for what is
    missing, so that the clock stays true. Raises ValueError where a frame begins before the last one ended, and for a gap longer than
    `longest_gap` samples.
    """

    def __init__(self, endpoint: str, longest_gap: int = 10_000_000, insecure: bool = False, curve: str | None = None):
        super().__init__(endpoint, "rep", "", True, insecure, curve)
        self.longest_gap = longest_gap
        self.inputs = {"samples": item_signal("complex64", 1)}

    def start(self):
        super().start()
        self._sent = 0

    def work(self, index, samples):
        gap = index.start - self._sent
        if not 0 <= gap <= self.longest_gap:
            raise ValueError(
                f"the frame begins at sample {index.start}, {self._sent} were sent; expected no step back and a gap of at "
                f"most {self.longest_gap} samples"
            )
        if gap:
            samples = np.concatenate((np.zeros(gap, np.complex64), samples))
        if self.requested() is not None:
            self.send(read_only(np.ascontiguousarray(samples, "<c8")))
            self._sent = index.stop
