"""The examples of WMMSEPrecoder for the contract of blocks."""

from blocks import WMMSEPrecoder
from tests.blocks.link_data import H_SEVERAL, H, N, P

EXAMPLE = (lambda: WMMSEPrecoder(P, N, 30), {"h_est": H})
MORE = {"users with two antennas": (lambda: WMMSEPrecoder(100.0, 1.0, 20, streams=2, starts=3), {"h": H_SEVERAL})}
