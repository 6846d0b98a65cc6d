"""Networks that go straight to the precoder."""

from __future__ import annotations

import numpy as np

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal
from sim.checks import positive


class LearnedPrecoder(LearnedBlock):
    """A black-box or unfolded network from received pilots, or from perfect channels, to the precoder.

    In:   y  (M, L) complex64       received pilots, where card["csi"] is "received"
          h_est  (M, K) complex64   the true downlink channel, where it is "perfect"
    Out:  v  (M, K) complex64       precoder, one column per user

    weights, antennas, device: see LearnedBlock; power, noise_power: of the downlink, mW. Raises what LearnedBlock does, and ValueError
    for a power <= 0, for weights that calibrate and leave the precoder to others, and for those of users with several antennas.
    """

    outputs = {"v": Signal("M", "K")}

    def __init__(self, weights: str, power: float, noise_power: float, antennas: int | None = None, device: str = "cpu"):
        super().__init__(weights, antennas, device)
        if self.architecture.precoder != "own":
            raise ValueError(f"the weights {self.weights.stem} ({self.architecture.__name__}) give no precoder: use CalibrationMLP")
        if self.card["architecture"]["arguments"].get("user_antennas", 1) > 1:
            raise ValueError(f"the weights {self.weights.stem} are for users with several antennas: use LearnedMIMOPrecoder")
        self.inputs = {"y": Signal("M", "L")} if self.architecture.csi == "received" else {"h_est": Signal("M", "K")}
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)

    def dims(self):
        dims = super().dims()
        return {**dims, "L": dims["K"]} if self.architecture.csi == "received" else dims

    def start(self):
        super().start()
        arguments = self.card["architecture"]["arguments"]
        self.work(np.ones((1, arguments["antennas"], arguments["users"]), np.complex64))  # wakes the device

    def work(self, y=None, h_est=None):
        import torch

        from trained.device import on_device

        x = h_est if y is None else y
        with torch.inference_mode():
            return self.network(on_device(x, self.device), 0.0, self.power, self.noise_power)[0]
