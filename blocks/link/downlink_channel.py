"""The downlink of a simulated scenario."""

import numpy as np

from blocks.runtime import Signal, read_only
from blocks.scenario_block import ScenarioBlock
from sim.power import first_above
from sim.rate import effective_channel
from sim.world.scenario import Scenario

_TOLERANCE = 1e-3
_SAMPLE_DEVIATIONS = 6.0


class DownlinkChannel(ScenarioBlock):
    """G = H_DL V, what every user hears, without noise. Source: Ma et al. 2021, eq. 1 and 5.

    In:   v  (M, T) complex64   precoder, one column per user (T = K), or precoded samples
    Out:  g  (K, T) complex64   entry (k, j): what user k hears of user j's stream, or in sample j

    Users with N > 1 antennas:

    In:   v  (K, M, d) complex64      precoder of each user, d streams
    Out:  g  (K, N, K, d) complex64   entry (k, n, j, i): what antenna n of user k hears of stream i of user j

    Raises ValueError, naming who gave it, for a precoder whose trace(V V^H) is above scenario.downlink_power by more than 0.1 %, or NaN,
    and for samples (from a port of that name, or T other than K) whose mean power over a frame is above it by more than chance makes of
    random symbols. allow_power: let any power pass.
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
        if not self.allow_power:
            self._check_power(index, v)
        return effective_channel(self.scenario.downlink(index), v)

    def _check_power(self, index, v):
        giver, budget = self.fed_by.get("v", "the input v"), self.scenario.downlink_power
        if v.ndim == 3 and (v.shape[2] != self.scenario.users or giver.endswith(".samples")):
            columns = len(v) * v.shape[2]
            what, at, found = "samples of mean power", f"{index[0]} ... {index[-1]}", float(np.sum(np.abs(v) ** 2)) / columns
            within = found <= budget * (1 + _TOLERANCE + _SAMPLE_DEVIATIONS / np.sqrt(columns))
        else:
            b = first_above(v, budget * (1 + _TOLERANCE))
            what, at, found, within = "a precoder of power", index[b], float(np.sum(np.abs(v[b]) ** 2)) if b >= 0 else 0.0, b < 0
        if not within:
            raise ValueError(
                f"{giver} gives {what} {found:.6g} mW at coherence block {at}, the scenario's downlink power is {budget:.6g} mW: scale V "
                "so that trace(V V^H) is at most that, give the scenario the power (downlink_power_dbm), or let it pass with "
                "DownlinkChannel(scenario, allow_power=True)"
            )
