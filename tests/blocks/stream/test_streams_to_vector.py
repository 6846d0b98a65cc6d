"""The example of StreamsToVector for the contract of blocks."""

from blocks import StreamsToVector
from tests.blocks.link_data import STREAM

EXAMPLE = (lambda: StreamsToVector(3), {f"ch{m}": STREAM[:, m].copy() for m in range(3)})
