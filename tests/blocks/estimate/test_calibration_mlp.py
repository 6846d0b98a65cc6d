"""The example of CalibrationMLP for the contract of blocks."""

from blocks import CalibrationMLP
from tests.blocks.link_data import H, N, P, S

EXAMPLE = (lambda: CalibrationMLP("calibrated", N / (4 * S.uplink_power), P, N, 64), {"h_est": H})
