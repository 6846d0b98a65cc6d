"""Perfect channel knowledge, for bounds."""

import numpy as np

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock
from sim.world.scenario import Scenario


class GenieCSI(ScenarioBlock):
    """The true downlink channel of every coherence block.

    Out:  h_est  (M, K) complex64   column k is h_DL,k

    Users with N > 1 antennas:

    Out:  h  (K, N, M) complex64   downlink channel of each user's N antennas
    """

    outputs = {"h_est": Signal("M", "K")}

    def __init__(self, scenario: Scenario):
        super().__init__(scenario)
        if scenario.user_antennas > 1:
            self.outputs = {"h": Signal("K", "N", "M")}

    def work(self, index):
        h = self.scenario.downlink(index)
        return h if h.ndim == 4 else np.ascontiguousarray(h.conj().swapaxes(1, 2))
