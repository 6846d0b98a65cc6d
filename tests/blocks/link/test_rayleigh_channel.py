"""The example of RayleighChannel for the contract of blocks."""

from blocks import RayleighChannel
from sim.world.rayleigh import RayleighScenario

EXAMPLE = (lambda: RayleighChannel(RayleighScenario(8, 3)), {})
