"""Weighted-MMSE precoder."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.wmmse import wmmse


class WMMSEPrecoder(Block):
    """A local maximum of the sum rate with trace(V V^H) = power, by WMMSE iterations from regularised zero forcing.

    In:   h_est  (M, K) complex64   downlink channel, one column per user
    Out:  v      (M, K) complex64   precoder, one column per user

    power and noise_power: mW; iterations: at least 100 for a reference. Raises ValueError where a power is <= 0 or M < K.
    Source: Zhao et al., arXiv 2205.06225.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float, noise_power: float, iterations: int = 200):
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)
        self.iterations = iterations

    def start(self):
        self.work(read_only(np.ones((1, 1, 1), np.complex64)))  # compiles

    def work(self, h_est):
        return wmmse(h_est, self.power, self.noise_power, self.iterations)
