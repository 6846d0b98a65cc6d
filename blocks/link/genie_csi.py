"""Perfect channel knowledge, for bounds."""

import numpy as np

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock


class GenieCSI(ScenarioBlock):
    """The true downlink channel of every coherence block.

    Out:  h_est  (M, K) complex64   column k is h_DL,k
    """

    outputs = {"h_est": Signal("M", "K")}

    def work(self, index):
        return np.ascontiguousarray(self.scenario.downlink(index).conj().swapaxes(1, 2))
