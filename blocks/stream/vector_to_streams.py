"""One stream into one per antenna."""

from blocks.runtime import Block, Signal


class VectorToStreams(Block):
    """Takes the samples of M antennas apart.

    In:   samples       (M,) complex64   the leading axis counts samples
    Out:  ch0, ch1, ... () complex64     one port per antenna

    antennas: M, at least 2.
    """

    inputs = {"samples": Signal("M")}

    def __init__(self, antennas: int):
        if antennas < 2:
            raise ValueError(f"antennas={antennas} has to be at least 2; a single stream is no vector")
        self.outputs = {f"ch{m}": Signal() for m in range(antennas)}

    def dims(self):
        return {"M": len(self.outputs)}

    def work(self, samples):
        return {name: samples[:, m] for m, name in enumerate(self.outputs)}
