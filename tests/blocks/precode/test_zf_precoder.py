"""The example of ZFPrecoder for the contract of blocks."""

from blocks import ZFPrecoder
from tests.blocks.link_data import H, P

EXAMPLE = (lambda: ZFPrecoder(P), {"h_est": H})
