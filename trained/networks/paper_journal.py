"""The network of the journal paper: an MLP that antennas share before least squares, one that users share before zero forcing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trained.networks import Hears, Size, network
from trained.networks.paper_journal_perfect import PAPER, PaperJournalPerfect
from trained.networks.parts.shared_mlp import SharedMLP


@network("paper-journal", title="neural calibration (journal)")
class PaperJournal(PaperJournalPerfect):
    """An antenna-shared MLP calibrates the received pilots, then least squares, user-shared MLP, zero forcing.

    For one number of users K with K DFT pilots. Source: Ma et al. (journal), eq. 22 and Section V-A.
    """

    hears = Hears.ESTIMATE
    fixed_users = True
    recipe = {**PAPER, "min_users": 8, "max_users": 8}

    @dataclass(frozen=True)
    class Config(PaperJournalPerfect.Config):
        """widths: of the hidden layers of the MLP that users share; antenna_widths: of that which antennas share."""

        antenna_widths: tuple[int, ...] = (128, 512, 512)

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        self.antennas = SharedMLP(size.max_users, self.config.antenna_widths)

    def start(self, scenario, generator):
        super().start(scenario, generator)
        self.antennas.scale.copy_(self.users.scale * (self.size.max_users * scenario.uplink_power) ** 0.5)

    def unit_pilots(self, users):
        if not self.serves(users):
            raise ValueError(f"users={users}: these weights are for {self.size.max_users} users and as many pilots")
        return super().unit_pilots(users)

    def received(self, y):
        return self.antennas(y)
