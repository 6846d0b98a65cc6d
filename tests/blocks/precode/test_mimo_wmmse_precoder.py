"""The example of MIMOWMMSEPrecoder for the contract of blocks."""

from blocks import MIMOWMMSEPrecoder
from sim.world.rayleigh import RayleighScenario
from tests.blocks.link_data import BLOCKS

EXAMPLE = (lambda: MIMOWMMSEPrecoder(2, 100.0, 1.0, 20, starts=3), {"h": RayleighScenario(8, 3).channels(range(BLOCKS))})
