"""The example of VectorToStreams for the contract of blocks."""

from blocks import VectorToStreams
from tests.blocks.link_data import STREAM

EXAMPLE = (lambda: VectorToStreams(4), {"samples": STREAM})
