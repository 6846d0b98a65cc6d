"""Learned calibration of the received pilots."""

from __future__ import annotations

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal


class PilotCalibrationMLP(LearnedBlock):
    """An MLP that all antennas share turns received pilots into what least squares should see.

    In:   y  (M, L) complex64   received pilots
    Out:  y  (M, L) complex64   calibrated pilots

    weights, antennas, device: see LearnedBlock. Raises what LearnedBlock does, and ValueError for weights that leave the
    received pilots as they are. Source: Ma et al. (journal), eq. 22.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"y": Signal("M", "L")}

    def __init__(self, weights: str, antennas: int | None = None, device: str = "cpu"):
        super().__init__(weights, antennas, device)
        if not self.architecture.calibrates_received:
            raise ValueError(
                f"the weights {self.weights.stem} ({self.architecture.__name__}) do not calibrate received pilots: leave the block out"
            )

    def dims(self):
        return {"M": self.antennas, "L": self.card["architecture"]["arguments"]["pilots"]}

    def work(self, y):
        import torch

        from trained.device import on_device

        with torch.inference_mode():
            return self.network.received(on_device(y, self.device))
