"""The uplink of a simulated scenario."""

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock


class UplinkChannel(ScenarioBlock):
    """Y = H_UL X, without noise. Source: Ma et al. 2021, eq. 1-3.

    In:   pilots  (K, L) complex64   row k is user k's pilots; (K N, L) where users have N antennas
    Out:  y       (M, L) complex64   what the M antennas receive
    """

    inputs = {"pilots": Signal("K", "L")}
    outputs = {"y": Signal("M", "L")}

    def dims(self):
        return {"M": self.scenario.antennas, "K": self.scenario.users * self.scenario.user_antennas}

    def work(self, index, pilots):
        return self.scenario.uplink(index) @ pilots
