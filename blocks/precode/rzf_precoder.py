"""Regularised zero-forcing precoder."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.precoding import regularized_zero_forcing


class RZFPrecoder(Block):
    """V = gamma H (H^H H + (K sigma^2 / P) I)^-1 with gamma set so that trace(V V^H) = P.

    In:   h_est  (M, K) complex64   channel estimate, one column per user
    Out:  v      (M, K) complex64   precoder, one column per user

    power P and noise_power sigma^2: mW. Raises ValueError where one is <= 0 or M < K.
    Source: Peel, Hochwald, Swindlehurst, IEEE Trans. Commun. 2005.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float, noise_power: float):
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)

    def start(self):
        self.work(read_only(np.ones((1, 1, 1), np.complex64)))  # compiles

    def work(self, h_est):
        return regularized_zero_forcing(h_est, self.power, self.noise_power)
