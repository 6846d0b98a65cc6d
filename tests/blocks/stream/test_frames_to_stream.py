"""The example of FramesToStream for the contract of blocks."""

from blocks import FramesToStream
from tests.blocks.link_data import H

EXAMPLE = (lambda: FramesToStream(64, 4), {"y": H})
