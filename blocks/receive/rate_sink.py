"""Sum rate at the end of the link."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.rate import sum_rate
from trained.evaluation.statistics import half_width


class RateSink(Block):
    """Collects the sum rate of every coherence block. Source: Ma et al. 2021, eq. 6.

    In:   g  (K, K) complex64   effective channel H_DL V

    noise_power: mW at a user. Result: {"sum_rate": mean bit/s/Hz, "ci95": half width of its 95 % confidence interval,
    "rates": (blocks,) float64}. Raises ValueError where noise_power <= 0.
    """

    inputs = {"g": Signal("K", "K")}

    def __init__(self, noise_power: float):
        self.noise_power = positive("noise_power", noise_power)

    def start(self):
        sum_rate(read_only(np.ones((1, 1, 1), np.complex64)), self.noise_power)  # compiles
        self._rates, self._total, self._count = [], 0.0, 0

    def work(self, g):
        self.add(sum_rate(g, self.noise_power))

    def add(self, rates: np.ndarray) -> None:
        """Take in the sum rates of more coherence blocks."""
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
