"""Learned calibration of the uplink estimate."""

from __future__ import annotations

import numpy as np

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal
from sim.checks import positive


class NeuralCalibration(LearnedBlock):
    """Turns an uplink estimate into the channel, and the user powers, that the precoder should use.

    In:   h_est  (M, K) complex64   least-squares estimate of the uplink; the true downlink channel where the network hears "channel"
    Out:  h_est  (M, K) complex64   calibrated channel, one column per user
          p      (K,)   float32     downlink powers, mW, summing to `power`
          q      (K,)   float32     virtual uplink powers, mW

    Networks that give a channel alone, as those of the papers do for zero forcing, have no p and q.
    weights, antennas, device, users: see LearnedBlock; estimate_noise: noise power per entry of the estimate; power, noise_power: of
    the downlink, mW. Raises what LearnedBlock does, and ValueError for a power <= 0.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"h_est": Signal("M", "K"), "p": Signal("K", dtype="float32"), "q": Signal("K", dtype="float32")}

    def __init__(
        self,
        weights: str,
        estimate_noise: float,
        power: float,
        noise_power: float,
        antennas: int | None = None,
        device: str = "cpu",
        users: int | None = None,
    ):
        super().__init__(weights, antennas, device, users)
        gives = self.card.gives
        if gives == "precoder":
            raise ValueError(f"the weights {self.weights.stem} ({self.card.network}) go straight to the precoder: use LearnedPrecoder")
        if gives == "channel":
            self.outputs = {"h_est": Signal("M", "K")}
        self.estimate_noise = positive("estimate_noise", estimate_noise)
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)

    def start(self):
        super().start()
        self.work(np.ones((1, self.antennas or 1, 1), np.complex64))

    def work(self, h_est):
        import torch

        from trained.device import on_device

        with torch.inference_mode():
            calibrated = self.network(on_device(h_est, self.device), self.estimate_noise, self.power, self.noise_power)
        return dict(zip(self.outputs, calibrated, strict=True))
