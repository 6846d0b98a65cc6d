"""Scaled least-squares channel estimator."""

import numpy as np

from blocks.runtime import Block, Signal
from sim.estimation import estimate, scaled_least_squares_matrix


class ScaledLSEstimator(Block):
    """H = gamma Y X^+ with the one gamma that minimises the mean square error; any number of pilots.

    In:   y      (M, L) complex64   received pilots
    Out:  h_est  (M, K) complex64   one column per user

    pilots: X (K, L); channel_power: E|h|^2 of one entry; noise_power: mW per sample. Raises ValueError for powers <= 0.
    Source: Biguesh and Gershman, IEEE Trans. Signal Process. 2006.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"h_est": Signal("M", "K")}

    def __init__(self, pilots: np.ndarray, channel_power: float, noise_power: float):
        self.matrix = scaled_least_squares_matrix(pilots, channel_power, noise_power)

    def dims(self):
        return dict(zip("LK", self.matrix.shape, strict=True))

    def work(self, y):
        return estimate(y, self.matrix)
