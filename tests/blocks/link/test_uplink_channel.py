"""The example of UplinkChannel for the contract of blocks."""

import numpy as np

from blocks import UplinkChannel
from tests.blocks.link_data import BLOCKS, S, X

EXAMPLE = (lambda: UplinkChannel(S), {"pilots": np.broadcast_to(X, (BLOCKS, 4, 4))})
