"""The papers' user-shared network with another basis: the structured precoder in place of zero forcing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trained.networks import Gives, Hears, network
from trained.networks.paper_journal_perfect import PaperJournalPerfect


@network("paper-structured", title="LS + MLP + structured precoder")
class PaperStructured(PaperJournalPerfect):
    """Least squares, a user-shared MLP, then the structured precoder with equal powers, which regularises what zero forcing inverts.

    Source: Ma et al. (journal), eq. 13, with the basis of Björnson et al. 2014, eq. 7 of Zhang et al.
    """

    hears, gives = Hears.ESTIMATE, Gives.STRUCTURE

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """(h (B, M, K), p (B, K), q (B, K)) from uplink estimates (B, M, K); p = q = power / K."""
        (h,) = super().forward(heard, estimate_noise, power, noise_power)
        blocks, _, users = heard.shape
        equal = torch.as_tensor(power, dtype=torch.float32, device=heard.device).reshape(-1, 1).expand(blocks, users) / users
        return h, equal, equal
