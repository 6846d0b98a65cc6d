"""The examples of GenieCSI for the contract of blocks."""

from blocks import GenieCSI
from tests.blocks.link_data import SEVERAL, S

EXAMPLE = (lambda: GenieCSI(S), {})
MORE = {"users with two antennas": (lambda: GenieCSI(SEVERAL), {})}
