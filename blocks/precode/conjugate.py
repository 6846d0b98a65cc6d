"""Precoders for channels as reciprocity gives them."""

from blocks.runtime import Block, Signal


class Conjugate(Block):
    """V* in place of V.

    In:   v  (M, K) complex64   precoder for what user k hears as y_k = h_k^H V s
    Out:  v  (M, K) complex64   precoder for y_k = h_k^T V s: the channel over which the antennas heard the user, used the other way
    """

    inputs = {"v": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def work(self, v):
        return v.conj()
