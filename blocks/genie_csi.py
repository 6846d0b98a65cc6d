"""Perfect channel knowledge, for bounds."""
import numpy as np

from blocks.runtime import Block, Signal
from sim.scenario import Scenario


class GenieCSI(Block):
    """The true downlink channel of every coherence block.

    Out:  h_est  (M, K) complex64   column k is h_DL,k
    """

    outputs = {"h_est": Signal("M", "K")}

    def __init__(self, scenario: Scenario):
        self.scenario = scenario

    def dims(self):
        return {"M": self.scenario.antennas, "K": self.scenario.users}

    def start(self):
        self.scenario.prepare()

    def work(self, index):
        return np.ascontiguousarray(self.scenario.downlink(index).conj().swapaxes(1, 2))
