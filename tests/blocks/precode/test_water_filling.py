"""The example of WaterFilling for the contract of blocks."""

from blocks import WaterFilling
from tests.blocks.link_data import H, N, P

EXAMPLE = (lambda: WaterFilling(P, N), {"v": H, "h_est": H})
