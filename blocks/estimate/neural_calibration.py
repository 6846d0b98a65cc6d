"""Learned calibration of the uplink estimate."""

from __future__ import annotations

import numpy as np

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal
from sim.checks import positive
from trained.inference import find_twin
from trained.store import load_twin


class NeuralCalibration(LearnedBlock):
    """Turns an uplink estimate into the channel, and the user powers, that the precoder should use.

    In:   h_est  (M, K) complex64   least-squares estimate of the uplink; the true downlink channel where the network hears "channel"
    Out:  h_est  (M, K) complex64   calibrated channel, one column per user
          p      (K,)   float32     downlink powers, mW, summing to `power`
          q      (K,)   float32     virtual uplink powers, mW

    Networks that give a channel alone, as those of the papers do for zero forcing, have no p and q.
    weights, antennas, device, users: see LearnedBlock; estimate_noise: noise power per entry of the estimate; power, noise_power: of
    the downlink, mW. On the CPU a network with a twin in trained/inference needs no torch: Numba computes it. Raises what LearnedBlock
    does, and ValueError for a power <= 0.
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
        self.engine = "numba" if self.device == "cpu" and find_twin(self.card.network) else "torch"
        self.takes_tensors = self.engine == "torch"

    def start(self):
        if self.engine == "torch":
            super().start()
        else:
            self.network = load_twin(self.weights)
        self.work(np.ones((1, self.antennas or 1, 1), np.complex64))

    def work(self, h_est):
        known = self.estimate_noise, self.power, self.noise_power
        calibrated = self.network(h_est, *known) if self.engine == "numba" else self._in_torch(h_est, known)
        return dict(zip(self.outputs, calibrated, strict=True))

    def _in_torch(self, h_est, known):
        import torch

        from trained.device import on_device

        with torch.inference_mode():
            return self.network(on_device(h_est, self.device), *known)
