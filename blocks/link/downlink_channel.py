"""The downlink of a simulated scenario."""

import numpy as np

from blocks.runtime import Signal, read_only
from blocks.scenario_block import ScenarioBlock
from sim.power import first_above
from sim.rate import effective_channel
from sim.world.scenario import Scenario

_TOLERANCE = 1.001


class DownlinkChannel(ScenarioBlock):
    """G = H_DL V, what every user hears, without noise. Source: Ma et al. 2021, eq. 1 and 5.

    In:   v  (M, T) complex64   precoder, one column per user (T = K), or precoded samples
    Out:  g  (K, T) complex64   entry (k, j): what user k hears of user j's stream, or in sample j

    Users with N > 1 antennas:

    In:   v  (K, M, d) complex64      precoder of each user, d streams
    Out:  g  (K, N, K, d) complex64   entry (k, n, j, i): what antenna n of user k hears of stream i of user j

    Raises ValueError for a precoder of more than the scenario's downlink power, unless allow_power=True.
    """

    inputs = {"v": Signal("M", "T")}
    outputs = {"g": Signal("K", "T")}

    def __init__(self, scenario: Scenario, allow_power: bool = False):
        super().__init__(scenario)
        self.allow_power = allow_power
        if scenario.user_antennas > 1:
            self.inputs, self.outputs = {"v": Signal("K", "M", "d")}, {"g": Signal("K", "N", "K", "d")}

    def start(self):
        super().start()
        first_above(read_only(np.ones((1, 1, 1), np.complex64)), 1.0)  # compiles

    def work(self, index, v):
        if not self.allow_power and (v.ndim == 4 or v.shape[2] == self.scenario.users):
            self._check_power(index, v)
        return effective_channel(self.scenario.downlink(index), v)

    def _check_power(self, index, v):
        budget = self.scenario.downlink_power
        b = first_above(v, budget * _TOLERANCE)
        if b >= 0:
            raise ValueError(
                f"v, the precoder that reaches {self.name or 'DownlinkChannel'}, has {np.sum(np.abs(v[b]) ** 2):.4g} mW in coherence block "
                f"{index[b]}, the scenario allows downlink_power_dbm={self.scenario.downlink_power_dbm:g} ({budget:.4g} mW): scale it, "
                "or say DownlinkChannel(..., allow_power=True)"
            )
