"""The example of WMMSEPrecoder for the contract of blocks."""

from blocks import WMMSEPrecoder
from tests.blocks.link_data import H, N, P

EXAMPLE = (lambda: WMMSEPrecoder(P, N, 30), {"h_est": H})
