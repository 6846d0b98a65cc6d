"""The example of AWGN for the contract of blocks."""

from blocks import AWGN
from tests.blocks.link_data import H, N

EXAMPLE = (lambda: AWGN(N, seed=3), {"y": H})
