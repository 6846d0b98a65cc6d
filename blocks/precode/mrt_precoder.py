"""Maximum-ratio precoder."""

from blocks.runtime import Block, Signal
from sim.checks import positive
from sim.precoding import maximum_ratio


class MRTPrecoder(Block):
    """V = gamma H with gamma set so that trace(V V^H) = power.

    In:   h_est  (M, K) complex64   channel estimate, one column per user
    Out:  v      (M, K) complex64   precoder, one column per user

    power: mW. Raises ValueError where power <= 0 or M < K.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float):
        self.power = positive("power", power)

    def work(self, h_est):
        return maximum_ratio(h_est, self.power)
