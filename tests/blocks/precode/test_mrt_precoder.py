"""The example of MRTPrecoder for the contract of blocks."""

from blocks import MRTPrecoder
from tests.blocks.link_data import H, P

EXAMPLE = (lambda: MRTPrecoder(P), {"h_est": H})
