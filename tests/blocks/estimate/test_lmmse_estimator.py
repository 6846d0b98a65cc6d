"""The example of LMMSEEstimator for the contract of blocks."""

import numpy as np

from blocks import LMMSEEstimator
from tests.blocks.link_data import H, N, X

EXAMPLE = (lambda: LMMSEEstimator(X, np.zeros((64, 4)), 64e-10 * np.eye(4), N), {"y": H})
