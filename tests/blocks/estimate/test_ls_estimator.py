"""The example of LSEstimator for the contract of blocks."""

from blocks import LSEstimator
from tests.blocks.link_data import H, X

EXAMPLE = (lambda: LSEstimator(X), {"y": H})
