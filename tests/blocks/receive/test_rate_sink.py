"""The example of RateSink for the contract of blocks."""

from blocks import RateSink
from tests.blocks.link_data import BLOCKS, RNG, N
from tests.support import complex_normal

EXAMPLE = (lambda: RateSink(N), {"g": 1e-5 * complex_normal(RNG, BLOCKS, 4, 4)})
