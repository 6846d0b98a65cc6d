"""The example of LMMSEDetector for the contract of blocks."""

from blocks import LMMSEDetector
from tests.blocks.link_data import RECEIVED, H

EXAMPLE = (lambda: LMMSEDetector(1.0, 1e-10), {"y": RECEIVED, "h_est": H})
