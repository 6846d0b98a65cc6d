"""The downlink of a simulated scenario."""

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock


class DownlinkChannel(ScenarioBlock):
    """G = H_DL V, what every user hears, without noise. Source: Ma et al. 2021, eq. 1 and 5.

    In:   v  (M, N) complex64   precoder, one column per user (N = K), or precoded samples
    Out:  g  (K, N) complex64   entry (k, j): what user k hears of user j's stream, or in sample j
    """

    inputs = {"v": Signal("M", "N")}
    outputs = {"g": Signal("K", "N")}

    def work(self, index, v):
        return self.scenario.downlink(index) @ v
