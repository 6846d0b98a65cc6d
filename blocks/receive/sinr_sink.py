"""SINR and outage of every user, at the end of the link."""

import math

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.rate import user_sinr


class SINRSink(Block):
    """Collects every user's SINR |g_kk|^2 / (sum_j!=k |g_kj|^2 + noise), and counts outages. Source: Ma et al. 2021, eq. 6.

    In:   g  (K, K) complex64   effective channel H_DL V

    noise_power: mW at a user; outage_db: SINR below which a user is in outage. Result: {"sinr_db": (blocks, K) float64,
    "outage": (K,) share of blocks in outage, "median_db" and "p5_db": of all users and blocks; the 5 % that are worst off are below p5_db}.
    Raises ValueError where noise_power <= 0 or outage_db is not finite.
    """

    inputs = {"g": Signal("K", "K")}

    def __init__(self, noise_power: float, outage_db: float = 0.0):
        self.noise_power, self.outage_db = positive("noise_power", noise_power), float(outage_db)
        if not math.isfinite(outage_db):
            raise ValueError(f"outage_db={outage_db} has to be a finite number of dB")

    def start(self):
        user_sinr(read_only(np.ones((1, 1, 1), np.complex64)), self.noise_power)  # compiles
        self._sinr_db = []

    def work(self, g):
        with np.errstate(divide="ignore"):  # a user without signal has -inf dB
            self._sinr_db.append(10 * np.log10(user_sinr(g, self.noise_power)))

    def report(self):
        return {"outage": float((self._sinr_db[-1] < self.outage_db).mean())} if getattr(self, "_sinr_db", None) else {}

    def result(self):
        if not self._sinr_db:
            return None
        sinr_db = np.concatenate(self._sinr_db)
        p5, median = np.percentile(sinr_db, (5, 50), method="lower")
        return {"sinr_db": sinr_db, "outage": (sinr_db < self.outage_db).mean(0), "median_db": float(median), "p5_db": float(p5)}
