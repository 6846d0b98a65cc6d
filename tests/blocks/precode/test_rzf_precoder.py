"""The example of RZFPrecoder for the contract of blocks."""

from blocks import RZFPrecoder
from tests.blocks.link_data import H, N, P

EXAMPLE = (lambda: RZFPrecoder(P, N), {"h_est": H})
