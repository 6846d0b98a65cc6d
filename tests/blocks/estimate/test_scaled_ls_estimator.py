"""The example of ScaledLSEstimator for the contract of blocks."""

from blocks import ScaledLSEstimator
from tests.blocks.link_data import H, N, X

EXAMPLE = (lambda: ScaledLSEstimator(X, 1e-10, N), {"y": H})
