"""The downlink of a simulated scenario."""

import numpy as np

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock
from sim.world.scenario import Scenario

_TOLERANCE = 1e-3
_SAMPLE_DEVIATIONS = 6.0


class DownlinkChannel(ScenarioBlock):
    """G = H_DL V, what every user hears, without noise. Source: Ma et al. 2021, eq. 1 and 5.

    In:   v  (M, N) complex64   precoder, one column per user (N = K), or precoded samples
    Out:  g  (K, N) complex64   entry (k, j): what user k hears of user j's stream, or in sample j

    Raises ValueError, naming who gave it, for a precoder whose trace(V V^H) is above scenario.downlink_power by more than 0.1 %, and for
    samples (from a port of that name, or N other than K) whose mean power over a frame is above it by more than chance makes of random
    symbols. allow_power: let any power pass.
    """

    inputs = {"v": Signal("M", "N")}
    outputs = {"g": Signal("K", "N")}

    def __init__(self, scenario: Scenario, allow_power: bool = False):
        super().__init__(scenario)
        self.allow_power = allow_power

    def work(self, index, v):
        if not self.allow_power:
            self._check_power(index, v)
        return self.scenario.downlink(index) @ v

    def _check_power(self, index, v):
        numbers = np.ascontiguousarray(v).view(np.float32).reshape(len(v), -1)
        power = np.einsum("bi,bi->b", numbers, numbers)
        giver, budget, n = self.fed_by.get("v", "the input v"), self.scenario.downlink_power, v.shape[2]
        if n != self.scenario.users or giver.endswith(".samples"):
            what, at, found = "samples of mean power", f"{index.start} ... {index.stop - 1}", float(power.mean()) / n
            limit = budget * (1 + _TOLERANCE + _SAMPLE_DEVIATIONS / np.sqrt(len(v) * n))
        else:
            worst = int(power.argmax())
            what, at, found, limit = "a precoder of power", f"{index.start + worst}", float(power[worst]), budget * (1 + _TOLERANCE)
        if found > limit:
            raise ValueError(
                f"{giver} gives {what} {found:.6g} mW at coherence block {at}, the scenario's downlink power is {budget:.6g} mW: scale V "
                "so that trace(V V^H) is at most that, give the scenario the power (downlink_power_dbm), or let it pass with "
                "DownlinkChannel(scenario, allow_power=True)"
            )
