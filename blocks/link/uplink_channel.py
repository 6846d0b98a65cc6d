"""The uplink of a simulated scenario."""

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock


class UplinkChannel(ScenarioBlock):
    """Y = H_UL X, without noise. Source: Ma et al. 2021, eq. 1-3.

    In:   pilots  (K, L) complex64   row k is user k's pilots
    Out:  y       (M, L) complex64   what the M antennas receive
    """

    inputs = {"pilots": Signal("K", "L")}
    outputs = {"y": Signal("M", "L")}

    def work(self, index, pilots):
        return self.scenario.uplink(index) @ pilots
