"""The example of FingerprintCSI for the contract of blocks."""

from blocks import FingerprintCSI
from tests.blocks.link_data import H, N, S

EXAMPLE = (lambda: FingerprintCSI(S, N / (4 * S.uplink_power), thinning=500), {"h_est": H})
