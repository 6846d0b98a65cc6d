"""The example of NeuralCalibration for the contract of blocks."""

from blocks import NeuralCalibration
from tests.blocks.link_data import H, N, P, S

EXAMPLE = (lambda: NeuralCalibration("calibrated", N / (4 * S.uplink_power), P, N, 64), {"h_est": H})
