"""Zero-forcing precoder."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.precoding import zero_forcing


class ZFPrecoder(Block):
    """V = gamma H (H^H H)^-1 with gamma set so that trace(V V^H) = power.

    In:   h_est  (M, K) complex64   channel estimate, one column per user
    Out:  v      (M, K) complex64   precoder, one column per user

    power: mW. Raises ValueError where power <= 0, M < K, or users are linearly dependent. Source: Ma et al. 2021, Table I.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float):
        self.power = positive("power", power)

    def start(self):
        self.work(read_only(np.ones((1, 1, 1), np.complex64)))  # compiles

    def work(self, h_est):
        return zero_forcing(h_est, self.power)
