"""The network of the conference paper: learned pilots, least squares, an MLP that users share, zero forcing."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sim.pilots import dft_pilots
from trained.networks import Hears, Size, network
from trained.networks.paper_journal_perfect import PaperJournalPerfect


@network("paper-conference", title="neural calibration (conference)")
class PaperConference(PaperJournalPerfect):
    """Learned pilots, least squares, user-shared MLP, zero forcing. Source: Ma et al. 2021, Section III.

    It has a K x K pilot matrix for every number of users of its size; they start at the DFT matrix.
    """

    hears = Hears.ESTIMATE

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        users = range(size.min_users, size.max_users + 1)
        start = {f"k{k}": torch.view_as_real(torch.from_numpy(dft_pilots(k, k, 1.0))).clone() for k in users}
        self.pilots = nn.ParameterDict({name: nn.Parameter(x) for name, x in start.items()})

    def serves(self, users):
        return f"k{users}" in self.pilots

    def unit_pilots(self, users):
        if not self.serves(users):
            raise ValueError(f"users={users}: these weights have learned pilots for {self.size.min_users} to {self.size.max_users} users")
        x = torch.view_as_complex(self.pilots[f"k{users}"])
        return x * (users**0.5 / torch.linalg.vector_norm(x, dim=1, keepdim=True))
