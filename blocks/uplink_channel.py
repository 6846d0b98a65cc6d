"""The uplink of a simulated scenario."""
from blocks.runtime import Block, Signal
from sim.scenario import Scenario


class UplinkChannel(Block):
    """Y = H_UL X, without noise. Source: Ma et al. 2021, eq. 1-3.

    In:   pilots  (K, L) complex64   row k is user k's pilots
    Out:  y       (M, L) complex64   what the M antennas receive
    """

    inputs = {"pilots": Signal("K", "L")}
    outputs = {"y": Signal("M", "L")}

    def __init__(self, scenario: Scenario):
        self.scenario = scenario

    def dims(self):
        return {"M": self.scenario.antennas, "K": self.scenario.users}

    def start(self):
        self.scenario.prepare()

    def work(self, index, pilots):
        return self.scenario.uplink(index) @ pilots
