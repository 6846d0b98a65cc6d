"""Networks that go from the channels of users with several antennas to precoders."""

from __future__ import annotations

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal
from sim.checks import positive


class LearnedMIMOPrecoder(LearnedBlock):
    """An unfolded or black-box network for users with several antennas, at a noise power of 1 mW.

    In:   h  (K, N, M) complex64   downlink channel of each user's N antennas
    Out:  v  (K, M, d) complex64   precoder of each user

    weights, antennas, device: see LearnedBlock; power: mW. Raises what LearnedBlock does, and ValueError for a power <= 0 and for
    weights of another kind. Source: Hu et al.
    """

    inputs = {"h": Signal("K", "N", "M")}
    outputs = {"v": Signal("K", "M", "d")}

    def __init__(self, weights: str, power: float, antennas: int | None = None, device: str = "cpu"):
        super().__init__(weights, antennas, device)
        if not hasattr(self.architecture, "precoders"):
            raise ValueError(f"the weights {self.weights.stem} ({self.architecture.__name__}) are not for users with several antennas")
        self.power = positive("power", power)

    def dims(self):
        arguments = self.card["architecture"]["arguments"]
        return {**super().dims(), "N": arguments.get("user_antennas", 1), "d": arguments.get("streams", 1)}

    def work(self, h):
        from trained.training.rayleigh import mimo_precoders

        return mimo_precoders(self.network, h, self.power)
