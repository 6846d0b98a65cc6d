"""Weighted-MMSE precoder for users with several antennas."""

import numpy as np

from blocks.runtime import Block, Signal
from sim.checks import positive
from sim.rate_mimo import sum_rate_mimo
from sim.wmmse_mimo import wmmse_mimo


class MIMOWMMSEPrecoder(Block):
    """The best of several local maxima of the sum rate, by WMMSE from regularised zero forcing and from random beams.

    In:   h  (K, N, M) complex64   downlink channel of each user's N antennas
    Out:  v  (K, M, d) complex64   precoder of each user

    streams: d <= N; power, noise_power: mW; starts: how many, the first is regularised zero forcing. Raises ValueError for numbers
    that do not fit. Source: Zhao et al., arXiv 2205.06225; Hu et al., Section VI-A.
    """

    inputs = {"h": Signal("K", "N", "M")}
    outputs = {"v": Signal("K", "M", "d")}

    def __init__(self, streams: int, power: float, noise_power: float, iterations: int = 100, starts: int = 1):
        if starts < 1:
            raise ValueError(f"starts={starts} has to be at least 1")
        self.streams, self.iterations, self.starts = streams, iterations, starts
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)

    def dims(self):
        return {"d": self.streams}

    def work(self, h):
        best, reached = self._from(h, None)
        for seed in range(1, self.starts):
            v, rate = self._from(h, seed)
            better = rate > reached
            best[better], reached[better] = v[better], rate[better]
        return best.astype(np.complex64)

    def _from(self, h, seed):
        v = wmmse_mimo(h, self.streams, self.power, self.noise_power, self.iterations, seed=seed)
        return v, sum_rate_mimo(h, v, self.noise_power)
