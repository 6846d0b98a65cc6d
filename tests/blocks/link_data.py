"""A scenario and signals of its size, for the examples of blocks."""

import numpy as np

from sim.world.scenario import Scenario
from tests.streams import complex_normal
from tests.support import rayleigh

S = Scenario(antennas=64, users=4)
X = S.pilot_matrix()
P, N = S.downlink_power, S.noise_power
BLOCKS = 23
RNG = np.random.default_rng(5)
H = 1e-5 * complex_normal(RNG, BLOCKS, 64, 4)
SYMBOLS = complex_normal(RNG, BLOCKS, 4, 9)
RECEIVED = H @ complex_normal(RNG, BLOCKS, 4, 9)
STREAM = 0.05 * complex_normal(RNG, BLOCKS, 4)
SEVERAL = rayleigh(8, 3)
H_SEVERAL = SEVERAL.downlink(range(BLOCKS))
V_SEVERAL = complex_normal(RNG, BLOCKS, 3, 8, 2)
