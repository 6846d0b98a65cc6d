"""The downlink of a simulated scenario."""
from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock


class DownlinkChannel(ScenarioBlock):
    """G = H_DL V, the effective channel from every stream to every user. Source: Ma et al. 2021, eq. 1 and 5.

    In:   v  (M, K) complex64   precoder, one column per user
    Out:  g  (K, K) complex64   entry (k, j): what user k hears of user j's stream
    """

    inputs = {"v": Signal("M", "K")}
    outputs = {"g": Signal("K", "K")}

    def work(self, index, v):
        return self.scenario.downlink(index) @ v
