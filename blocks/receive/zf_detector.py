"""Zero-forcing detector."""

from blocks.runtime import Block, Signal
from sim.detection import zero_forcing_detector


class ZFDetector(Block):
    """S = (H^H H)^-1 H^H Y: no interference, whatever that does to the noise.

    In:   y        (M, T) complex64   received samples
          h_est    (M, K) complex64   channel estimate, one column per user
    Out:  symbols  (K, T) complex64   row k is what user k sent

    Raises ValueError where users are linearly dependent. Source: Ma et al., journal, Table II.
    """

    inputs = {"y": Signal("M", "T"), "h_est": Signal("M", "K")}
    outputs = {"symbols": Signal("K", "T")}

    def work(self, y, h_est):
        return zero_forcing_detector(y, h_est)
