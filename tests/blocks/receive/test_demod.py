"""The example of Demod for the contract of blocks."""

from blocks import Demod
from sim.modulation import random_symbols
from tests.blocks.link_data import BLOCKS, SYMBOLS

EXAMPLE = (Demod, {"received": SYMBOLS, "symbols": random_symbols(16, 0, range(BLOCKS), (4, 9))})
