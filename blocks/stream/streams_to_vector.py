"""One stream per antenna into one stream."""

import numpy as np

from blocks.runtime import Block, Signal


class StreamsToVector(Block):
    """Puts the samples of M streams of the same index side by side.

    In:   ch0, ch1, ... () complex64     one port per antenna; the leading axis counts samples
    Out:  samples       (M,) complex64

    antennas: M, at least 2.
    """

    outputs = {"samples": Signal("M")}

    def __init__(self, antennas: int):
        if antennas < 2:
            raise ValueError(f"antennas={antennas} has to be at least 2; a single stream needs no vector")
        self.inputs = {f"ch{m}": Signal() for m in range(antennas)}

    def dims(self):
        return {"M": len(self.inputs)}

    def work(self, **channels):
        return np.stack([channels[name] for name in self.inputs], axis=1)
