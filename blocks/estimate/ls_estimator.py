"""Least-squares channel estimator."""

import numpy as np

from blocks.runtime import Block, Signal
from sim.estimation import estimate, least_squares_matrix


class LSEstimator(Block):
    """H = Y X^H (X X^H)^-1.

    In:   y      (M, L) complex64   received pilots
    Out:  h_est  (M, K) complex64   one column per user

    pilots: X (K, L). Raises ValueError where L < K or X X^H is singular. Source: Ma et al. 2021, Table I.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"h_est": Signal("M", "K")}

    def __init__(self, pilots: np.ndarray):
        self.matrix = least_squares_matrix(pilots)

    def dims(self):
        return dict(zip("LK", self.matrix.shape, strict=True))

    def work(self, y):
        return estimate(y, self.matrix)
