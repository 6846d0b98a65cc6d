"""The example of GenieCSI for the contract of blocks."""

from blocks import GenieCSI
from tests.blocks.link_data import S

EXAMPLE = (lambda: GenieCSI(S), {})
