"""The examples of RateSink for the contract of blocks."""

from blocks import RateSink
from sim.rate import effective_channel
from tests.blocks.link_data import BLOCKS, H_SEVERAL, RNG, V_SEVERAL, N
from tests.streams import complex_normal

EXAMPLE = (lambda: RateSink(N), {"g": 1e-5 * complex_normal(RNG, BLOCKS, 4, 4)})
MORE = {"users with two antennas": (lambda: RateSink(1.0, 2), {"g": effective_channel(H_SEVERAL, V_SEVERAL)})}
