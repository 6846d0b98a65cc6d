"""The example of PilotSource for the contract of blocks."""

from blocks import PilotSource
from tests.blocks.link_data import X

EXAMPLE = (lambda: PilotSource(X), {})
