"""Receiver noise."""

from blocks.runtime import Block, Signal
from sim.noise import Stream, complex_normal


class AWGN(Block):
    """Adds white Gaussian noise CN(0, noise_power) that depends on (seed, stream, coherence block) alone.

    In:   y  (M, L) complex64
    Out:  y  (M, L) complex64

    noise_power: mW per sample. Two AWGN blocks with the same seed need different streams.
    Raises ValueError for a negative power.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"y": Signal("M", "L")}

    def __init__(self, noise_power: float, seed: int = 0, stream: int = Stream.UPLINK_NOISE):
        self.noise_power, self.seed, self.stream = noise_power, seed, int(stream)
        self.start()

    def start(self):
        complex_normal(self.seed, self.stream, range(1), (1,), self.noise_power)  # compiles, and checks the arguments

    def work(self, index, y):
        return y + complex_normal(self.seed, self.stream, index, y.shape[1:], self.noise_power)
