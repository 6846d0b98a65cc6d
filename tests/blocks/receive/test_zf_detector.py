"""The example of ZFDetector for the contract of blocks."""

from blocks import ZFDetector
from tests.blocks.link_data import RECEIVED, H

EXAMPLE = (ZFDetector, {"y": RECEIVED, "h_est": H})
