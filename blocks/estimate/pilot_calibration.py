"""Learned calibration of the received pilots."""

from __future__ import annotations

from blocks.learned_block import LearnedBlock
from blocks.runtime import Signal


class PilotCalibration(LearnedBlock):
    """An MLP that all antennas share turns received pilots into what least squares should see.

    In:   y  (M, L) complex64   received pilots
    Out:  y  (M, L) complex64   calibrated pilots

    weights, antennas, device, users: see LearnedBlock. Raises what LearnedBlock does, and ValueError for weights that leave the
    received pilots as they are. Source: Ma et al. (journal), eq. 22.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"y": Signal("M", "L")}

    def __init__(self, weights: str, antennas: int | None = None, device: str = "cpu", users: int | None = None):
        super().__init__(weights, antennas, device, users)
        if not self.kind.calibrates_received():
            raise ValueError(f"the weights {self.weights.stem} ({self.card.network}) do not calibrate received pilots: leave the block out")

    def dims(self):
        return {"M": self.antennas, "L": self.card.size["max_users"]}

    def work(self, y):
        import torch

        from trained.device import on_device

        with torch.inference_mode():
            return self.network.received(on_device(y, self.device))
