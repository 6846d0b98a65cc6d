"""Downlink channels of users with several antennas in Rayleigh fading."""

from blocks.runtime import Block, Signal
from sim.world.rayleigh import RayleighScenario


class RayleighChannel(Block):
    """Channel entries CN(0, 1), all independent, which depend on seed and block index alone.

    Out:  h  (K, N, M) complex64   downlink channel of each user's N antennas
    """

    outputs = {"h": Signal("K", "N", "M")}

    def __init__(self, scenario: RayleighScenario):
        self.scenario = scenario

    def dims(self):
        s = self.scenario
        return {"K": s.users, "N": s.user_antennas, "M": s.antennas}

    def start(self):
        self.work(range(1))  # compiles

    def work(self, index):
        return self.scenario.channels(index)
