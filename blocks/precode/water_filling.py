"""Power allocation for beams that do not disturb each other."""

import numpy as np

from blocks.runtime import Block, Signal
from sim.checks import positive
from sim.water_filling import water_filling


class WaterFilling(Block):
    """Keeps the directions of a precoder and gives each user the power that maximises the sum rate without interference.

    In:   v      (M, K) complex64   precoder, for example zero forcing
          h_est  (M, K) complex64   channel, one column per user
    Out:  v      (M, K) complex64   trace(V V^H) = power

    power, noise_power: mW. Raises ValueError where one is not above 0, or where no beam reaches its user.
    Source: Ma et al., journal, Table II; Ling et al., IEEE Commun. Lett. 2012.
    """

    inputs = {"v": Signal("M", "K"), "h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float, noise_power: float):
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)

    def work(self, v, h_est):
        beams = v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        gains = np.abs((h_est.conj() * beams).sum(1)) ** 2
        return beams * np.sqrt(water_filling(gains, self.power, self.noise_power))[:, None].astype(np.float32)
