"""The example of MIMORateSink for the contract of blocks."""

from blocks import MIMORateSink
from sim.world.rayleigh import RayleighScenario
from tests.blocks.link_data import BLOCKS, RNG
from tests.support import complex_normal

EXAMPLE = (lambda: MIMORateSink(1.0), {"h": RayleighScenario(8, 3).channels(range(BLOCKS)), "v": complex_normal(RNG, BLOCKS, 3, 8, 2)})
