"""Sum rate at the end of the link."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.rate import sum_rate
from trained.evaluation.statistics import half_width


class RateSink(Block):
    """Collects the sum rate of every coherence block. Source: Ma et al. 2021, eq. 6; Hu et al., eq. 10.

    In:   g  (K, K) complex64   effective channel H_DL V; (K, N, K, d) for users with N antennas, see DownlinkChannel

    noise_power: mW at a user's antenna; user_antennas: N. Result: {"sum_rate": mean bit/s/Hz, "ci95": half width of its 95 % confidence
    interval (NaN for a single block), "rates": (blocks,) float64}. Raises ValueError where noise_power <= 0 or user_antennas < 1.
    """

    inputs = {"g": Signal("K", "K")}

    def __init__(self, noise_power: float, user_antennas: int = 1):
        self.noise_power = positive("noise_power", noise_power)
        if user_antennas < 1:
            raise ValueError(f"user_antennas={user_antennas} has to be at least 1")
        self.user_antennas = user_antennas
        if user_antennas > 1:
            self.inputs = {"g": Signal("K", "N", "K", "d")}

    def dims(self):
        return {"N": self.user_antennas} if self.user_antennas > 1 else {}

    def start(self):
        sum_rate(read_only(np.ones((1, 1, 1), np.complex64)), self.noise_power)  # compiles
        self._rates, self._total, self._count = [], 0.0, 0

    def work(self, g):
        rates = sum_rate(g, self.noise_power)
        self._rates.append(rates)
        self._total += float(rates.sum())
        self._count += len(rates)

    def report(self):
        return {"sum_rate": self._total / self._count} if getattr(self, "_count", 0) else {}

    def result(self):
        if not self._count:
            return None
        rates = np.concatenate(self._rates)
        return {"sum_rate": float(rates.mean()), "ci95": half_width(rates), "rates": rates}
