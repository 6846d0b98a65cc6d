"""The example of LearnedMIMOPrecoder for the contract of blocks."""

import tempfile
from pathlib import Path

from blocks import LearnedMIMOPrecoder
from sim.world.rayleigh import RayleighScenario
from tests.blocks.link_data import BLOCKS
from tests.support import precoder_weights
from trained.networks.unfolding import Unfolding

WEIGHTS = precoder_weights(Path(tempfile.mkdtemp()), Unfolding, antennas=8, users=3, user_antennas=2, streams=2, layers=3)
EXAMPLE = (lambda: LearnedMIMOPrecoder(WEIGHTS, 100.0, 8), {"h": RayleighScenario(8, 3).channels(range(BLOCKS))})
