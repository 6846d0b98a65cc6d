"""The example of MFDetector for the contract of blocks."""

from blocks import MFDetector
from tests.blocks.link_data import RECEIVED, H

EXAMPLE = (MFDetector, {"y": RECEIVED, "h_est": H})
