"""The user-shared network of the journal paper, for a known channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from trained.networks import Gives, Hears, Network, Size, network
from trained.networks.parts.places import uplink_of_places
from trained.networks.parts.shared_mlp import SharedMLP

PAPER = {"batch": 1024, "schedule": "constant", "beta2": 0.999, "clip": None, "default_power_share": 1.0}


@network("paper-journal-perfect", title="neural calibration, perfect CSI")
class PaperJournalPerfect(Network):
    """A user-shared MLP calibrates the perfect downlink channel before zero forcing. Source: Ma et al. (journal), Section IV-A."""

    hears, gives = Hears.CHANNEL, Gives.CHANNEL
    recipe = PAPER

    @dataclass(frozen=True)
    class Config:
        """widths: of the hidden layers of the MLP that users share."""

        widths: tuple[int, ...] = (512, 2048, 2048)

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        self.users = SharedMLP(size.antennas, self.config.widths)

    def start(self, scenario, generator):
        self.users.scale_to(uplink_of_places(scenario))

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """(h (B, M, K),) from (B, M, K); the network is told no noise level and no power."""
        return (self.users(heard.mT).mT,)
