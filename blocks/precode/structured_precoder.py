"""The optimal precoder's structure, with given user powers."""

import numpy as np

from blocks.runtime import Block, Signal, read_only
from sim.checks import positive
from sim.structured import structured_precoder, structured_precoder_torch


class StructuredPrecoder(Block):
    """v_k = sqrt(p_k) w_k / |w_k| with w_k = (I + sum_j (q_j / N_0) h_j h_j^H)^-1 h_k.

    In:   h_est  (M, K) complex64   channel estimate, one column per user
          p      (K,)   float32     downlink powers, mW, summing to the transmit power; equal shares if not connected
          q      (K,)   float32     virtual uplink powers, mW, above 0; equal shares if not connected
    Out:  v      (M, K) complex64   precoder, one column per user

    power and noise_power N_0: mW. device "cuda" computes on the GPU and hands on tensors. Raises ValueError where a power
    is negative or M < K. Source: Bjornson et al., IEEE Signal Process. Mag. 2014; Zhang et al., eq. 7.
    """

    inputs = {"h_est": Signal("M", "K"), "p": Signal("K", dtype="float32", optional=True), "q": Signal("K", dtype="float32", optional=True)}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power: float, noise_power: float, device: str = "cpu"):
        self.power, self.noise_power, self.device = positive("power", power), positive("noise_power", noise_power), device
        if device != "cpu":
            from trained.device import usable_device

            self.device = str(usable_device(device))
        self.takes_tensors = self.device != "cpu"

    def start(self):
        self.work(read_only(np.ones((1, 1, 1), np.complex64)))  # compiles, or wakes the device

    def work(self, h_est, p=None, q=None):
        if self.takes_tensors:
            return self._on_device(h_est, p, q)
        equal = np.full((h_est.shape[0], h_est.shape[2]), self.power / h_est.shape[2], np.float32)
        return structured_precoder(h_est, equal if p is None else p, equal if q is None else q, self.noise_power)

    def _on_device(self, h_est, p, q):
        import torch

        from trained.device import on_device

        with torch.inference_mode():
            equal = torch.full((h_est.shape[0], h_est.shape[2]), self.power / h_est.shape[2])
            given = (h_est, equal if p is None else p, equal if q is None else q)
            h, p, q = (on_device(x, self.device) for x in given)
            return structured_precoder_torch(h, p, q, self.noise_power)
