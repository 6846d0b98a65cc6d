"""The example of Precode for the contract of blocks."""

from blocks import Precode
from tests.blocks.link_data import SYMBOLS, H

EXAMPLE = (Precode, {"v": H, "symbols": SYMBOLS})
