"""The samples of several antennas that a block has yet to look at."""

from __future__ import annotations

import numpy as np

from blocks.runtime import Signal
from blocks.runtime.frame import Frame

LAYOUTS = ("vector", "interleaved")
_LARGEST = 1e15


def antenna_signal(antennas: int, layout: str) -> Signal:
    """The port of an M-antenna stream: items (M,), one sample of every antenna, or scalars, the antennas in turn.

    With one antenna both are scalars, as GNU Radio has it. Raises ValueError for another layout and for antennas < 1.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r} is not one of {', '.join(LAYOUTS)}")
    if antennas < 1:
        raise ValueError(f"antennas={antennas} has to be at least 1")
    return Signal("M") if layout == "vector" and antennas > 1 else Signal()


class SampleBuffer:
    """A stretch without gaps of an M-antenna stream: `rows` (n, M), the first with the index `first`.

    Samples that are NaN, infinite or beyond 1e15 count as zero: one of them would spoil every sum that it is in.
    """

    def __init__(self, antennas: int, layout: str):
        self.antennas = antennas
        self._per_item = antennas if antenna_signal(antennas, layout).dims else 1
        self._flat, self._at = np.empty(0, np.complex64), 0

    @property
    def first(self) -> int:
        """Index of the first row."""
        return self._at // self.antennas

    @property
    def rows(self) -> np.ndarray:
        """(n, M) complex64."""
        whole = len(self._flat) // self.antennas
        return self._flat[: whole * self.antennas].reshape(whole, self.antennas)

    def row_of(self, item: int) -> int:
        """Index of the row that holds the item of this index."""
        return item * self._per_item // self.antennas

    def missing(self, frame: Frame) -> int:
        """Rows between what is held and the frame: 0 where it goes on without a gap, negative where it steps back."""
        gap = frame.start * self._per_item - self._at - len(self._flat)
        return gap if gap == 0 else int(np.sign(gap)) * max(1, abs(gap) // self.antennas)

    def restart(self, frame: Frame) -> None:
        """Forget what is held and go on at the frame's first whole row."""
        self._flat, self._at = np.empty(0, np.complex64), frame.start * self._per_item

    def append(self, frame: Frame) -> None:
        """Hold the frame's samples too."""
        flat = frame.arrays["samples"].reshape(-1)
        usable = (np.abs(flat.real) < _LARGEST) & (np.abs(flat.imag) < _LARGEST)
        if not usable.all():
            flat = np.where(usable, flat, np.complex64(0))
        if not len(self._flat):
            lead = min(-self._at % self.antennas, len(flat))
            self._at, flat = self._at + lead, flat[lead:]
        self._flat = np.concatenate((self._flat, flat))

    def drop(self, rows: int) -> None:
        """Let go of the first rows."""
        self._flat, self._at = self._flat[rows * self.antennas :], self._at + rows * self.antennas
