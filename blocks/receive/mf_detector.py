"""Matched-filter detector."""

from blocks.runtime import Block, Signal
from sim.detection import matched_filter


class MFDetector(Block):
    """S = diag(H^H H)^-1 H^H Y: every user's symbols as if it were alone.

    In:   y        (M, T) complex64   received samples
          h_est    (M, K) complex64   channel estimate, one column per user
    Out:  symbols  (K, T) complex64   row k is what user k sent

    Raises ValueError where a user's channel is zero. Source: Ma et al., journal, Table II.
    """

    inputs = {"y": Signal("M", "T"), "h_est": Signal("M", "K")}
    outputs = {"symbols": Signal("K", "T")}

    def work(self, y, h_est):
        return matched_filter(y, h_est)
