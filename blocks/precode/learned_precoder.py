"""Networks that go straight to the precoder."""

from __future__ import annotations

import numpy as np

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal
from sim.checks import positive


class LearnedPrecoder(LearnedBlock):
    """A black-box or unfolded network from received pilots, or from known channels, to the precoder.

    In:   y  (M, L) complex64       received pilots, where the network hears "received"
          h_est  (M, K) complex64   the true downlink channel, where it hears "channel"
          h  (K, N, M) complex64    the same, of users with N antennas
    Out:  v  (M, K) complex64       precoder, one column per user; (K, M, d) for users with several antennas

    weights, antennas, device, users: see LearnedBlock; power, noise_power: of the downlink, mW; user_antennas: N. Raises what
    LearnedBlock does, and ValueError for a power <= 0, for weights that leave the precoder to others, and for those of users with
    another number of antennas. Source: Ma et al. 2021, eq. 8; Hu et al., Section III.
    """

    def __init__(
        self,
        weights: str,
        power: float,
        noise_power: float,
        antennas: int | None = None,
        device: str = "cpu",
        users: int | None = None,
        user_antennas: int = 1,
    ):
        self.user_antennas = user_antennas
        super().__init__(weights, antennas, device, users)
        if self.card.gives != "precoder":
            raise ValueError(f"the weights {self.weights.stem} ({self.card.network}) give no precoder: use NeuralCalibration")
        made_for = self.card.size["user_antennas"]
        if made_for != user_antennas:
            raise ValueError(f"the weights {self.weights.stem} are for users with user_antennas={made_for}, got {user_antennas}")
        self.inputs = {"y": Signal("M", "L")} if self.card.hears == "received" else {"h_est": Signal("M", "K")}
        self.outputs = {"v": Signal("M", "K")}
        if user_antennas > 1:
            self.inputs, self.outputs = {"h": Signal("K", "N", "M")}, {"v": Signal("K", "M", "d")}
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)

    def dims(self):
        dims = super().dims()
        if self.user_antennas > 1:
            return {**dims, "N": self.user_antennas, "d": self.card.size["streams"]}
        return {**dims, "L": dims["K"]} if self.card.hears == "received" else dims

    def start(self):
        super().start()
        m, k = self.card.size["antennas"], self.card.size["max_users"]
        shape = (1, m, k) if self.user_antennas == 1 else (1, k, self.user_antennas, m)
        self.work(np.ones(shape, np.complex64))  # wakes the device

    def work(self, y=None, h_est=None, h=None):
        import torch

        from trained.device import on_device
        from trained.evaluation.reference import mimo_precoders

        if h is not None or self.user_antennas > 1:
            return mimo_precoders(self.network, y if h is None else h, self.power, self.noise_power)
        with torch.inference_mode():
            return self.network(on_device(h_est if y is None else y, self.device), 0.0, self.power, self.noise_power)[0]
