"""Linear MMSE channel estimator."""

import numpy as np

from blocks.runtime import Block, Signal
from sim.estimation import estimate, lmmse_matrix


class LMMSEEstimator(Block):
    """H = mean + (Y - mean X) R with R = (X^H Q X + M sigma^2 I)^-1 X^H Q; any number of pilots.

    In:   y      (M, L) complex64   received pilots
    Out:  h_est  (M, K) complex64   one column per user

    pilots: X (K, L); mean (M, K) and covariance Q (K, K) of the channel, see sim.estimation.channel_statistics;
    noise_power: mW per sample. Raises ValueError for shapes that do not fit. Source: Zhang et al., eq. 15-17.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"h_est": Signal("M", "K")}

    def __init__(self, pilots: np.ndarray, mean: np.ndarray, covariance: np.ndarray, noise_power: float):
        self.pilots, self.mean = np.asarray(pilots, np.complex64), np.asarray(mean, np.complex64)
        if self.mean.ndim != 2 or self.mean.shape[1] != len(self.pilots):
            raise ValueError(f"mean has shape {self.mean.shape}, expected (antennas, {len(self.pilots)}) for the {len(self.pilots)} users")
        self.matrix = lmmse_matrix(self.pilots, covariance, len(self.mean), noise_power)

    def dims(self):
        return {"M": len(self.mean), **dict(zip("LK", self.matrix.shape, strict=True))}

    def work(self, y):
        return estimate(y, self.matrix, self.mean, self.pilots)
