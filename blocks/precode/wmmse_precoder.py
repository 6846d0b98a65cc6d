"""Weighted-MMSE precoder."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.rate import effective_channel, sum_rate
from sim.wmmse import wmmse


class WMMSEPrecoder(Block):
    """A local maximum of the sum rate with trace(V V^H) = power, by WMMSE iterations from regularised zero forcing.

    In:   h_est  (M, K) complex64   downlink channel, one column per user
    Out:  v      (M, K) complex64   precoder, one column per user

    Users with N antennas, where `streams` is given:

    In:   h  (K, N, M) complex64   downlink channel of each user's N antennas
    Out:  v  (K, M, d) complex64   precoder of each user

    power and noise_power: mW; iterations: at least 100 for a reference; streams: d <= N of each user; starts: the best of how many, the
    first from regularised zero forcing, others from random beams. Raises ValueError where a power is <= 0, a number < 1 or M < K d.
    Source: Zhao et al., arXiv 2205.06225; Hu et al., Section VI-A.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float, noise_power: float, iterations: int = 200, streams: int | None = None, starts: int = 1):
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)
        for name, value, least in (("iterations", iterations, 0), ("streams", 1 if streams is None else streams, 1), ("starts", starts, 1)):
            if value < least:
                raise ValueError(f"{name}={value} has to be at least {least}")
        self.iterations, self.streams, self.starts = iterations, streams, starts
        if streams is not None:
            self.inputs, self.outputs = {"h": Signal("K", "N", "M")}, {"v": Signal("K", "M", "d")}

    def dims(self):
        return {} if self.streams is None else {"d": self.streams}

    def start(self):
        if self.streams is None:
            self.work(read_only(np.ones((1, 1, 1), np.complex64)))  # compiles

    def work(self, h_est=None, h=None):
        known = h_est if h is None else h
        best = self._from(known, None)
        if self.starts > 1:
            rows = known if self.streams is not None else known.conj().swapaxes(1, 2)
            reached = sum_rate(effective_channel(rows, best), self.noise_power)
            for seed in range(1, self.starts):
                v = self._from(known, seed)
                rate = sum_rate(effective_channel(rows, v), self.noise_power)
                better = rate > reached
                best[better], reached[better] = v[better], rate[better]
        return best

    def _from(self, h, seed):
        return wmmse(h, self.power, self.noise_power, self.iterations, streams=self.streams, seed=seed)
