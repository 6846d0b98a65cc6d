"""The example of StructuredPrecoder for the contract of blocks."""

import numpy as np

from blocks import StructuredPrecoder
from tests.blocks.link_data import BLOCKS, RNG, H, N, P

POWERS = (P * RNG.dirichlet(np.ones(4), (2, BLOCKS))).astype(np.float32)
EXAMPLE = (lambda: StructuredPrecoder(P, N), {"h_est": H, "p": POWERS[0], "q": POWERS[1]})
