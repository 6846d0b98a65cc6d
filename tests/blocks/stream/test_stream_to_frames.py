"""The example of StreamToFrames for the contract of blocks."""

from blocks import StreamToFrames
from tests.blocks.link_data import STREAM

EXAMPLE = (lambda: StreamToFrames(1, 4, "interleaved"), {"samples": STREAM[:, 0].copy()})
