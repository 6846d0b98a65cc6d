"""LMMSE detector."""

from blocks.runtime import Block, Signal
from sim.checks import positive
from sim.detection import lmmse_detector


class LMMSEDetector(Block):
    """S = (H^H H + (sigma^2 / P) I)^-1 H^H Y: the linear estimate of least mean squared error.

    In:   y        (M, T) complex64   received samples
          h_est    (M, K) complex64   channel estimate, one column per user
    Out:  symbols  (K, T) complex64   row k is what user k sent, biased towards zero

    symbol_power: mW per user; noise_power: mW per received sample. Raises ValueError where one is not above 0.
    Source: Ma et al., journal, Table II.
    """

    inputs = {"y": Signal("M", "T"), "h_est": Signal("M", "K")}
    outputs = {"symbols": Signal("K", "T")}

    def __init__(self, symbol_power: float, noise_power: float):
        self.symbol_power, self.noise_power = positive("symbol_power", symbol_power), positive("noise_power", noise_power)

    def work(self, y, h_est):
        return lmmse_detector(y, h_est, self.symbol_power, self.noise_power)
