"""Downlink channels looked up in a map of stored ones."""

from blocks.runtime import Signal
from blocks.scenario_block import ScenarioBlock
from sim.checks import positive
from sim.world.scenario import Scenario


class FingerprintCSI(ScenarioBlock):
    """The posterior mean of every user's downlink channel over the scenario's training positions; a reference without learning.

    In:   h_est  (M, K) complex64   least-squares estimate of the uplink
    Out:  h_est  (M, K) complex64   downlink channel, one column per user

    estimate_noise: noise power per entry of the estimate, mW; thinning: keep each n-th stored position. Costs some 19
    million complex multiply-adds per user in the default room at M = 64. See trained/evaluation/fingerprint.py. Raises ValueError for a
    noise power <= 0.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"h_est": Signal("M", "K")}

    def __init__(self, scenario: Scenario, estimate_noise: float, thinning: int = 1):
        super().__init__(scenario)
        self.thinning = thinning
        self.estimate_noise = positive("estimate_noise", estimate_noise)

    def start(self):
        from trained.evaluation.fingerprint import Fingerprint

        self._map = Fingerprint(self.scenario, self.thinning)

    def stop(self):
        self.__dict__.pop("_map", None)

    def work(self, h_est):
        return self._map.posterior_mean(h_est, self.estimate_noise)
