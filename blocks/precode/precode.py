"""Data symbols onto the antennas."""

from blocks.runtime import Block, Signal


class Precode(Block):
    """X = V S.

    In:   v        (M, K) complex64   precoder, one column per user
          symbols  (K, T) complex64   row k is for user k, unit mean power
    Out:  samples  (M, T) complex64   what the antennas send; mean power per symbol trace(V V^H), mW
    """

    inputs = {"v": Signal("M", "K"), "symbols": Signal("K", "T")}
    outputs = {"samples": Signal("M", "T")}

    def work(self, v, symbols):
        return v @ symbols
