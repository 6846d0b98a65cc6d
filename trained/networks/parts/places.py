"""Channels of a scenario's training positions, which first weights are fitted to."""

from __future__ import annotations

import torch
from torch import Tensor

from sim.world.scenario import Scenario


def uplink_of_places(scenario: Scenario) -> Tensor:
    """(N, M) complex64 uplink channel of every position of the scenario's split."""
    return torch.from_numpy(scenario.uplink_at(scenario.positions()[:, None])[:, :, 0].copy())


def downlink_of_places(scenario: Scenario) -> Tensor:
    """(N, M) complex64 downlink channel h_DL, not its adjoint, of every position of the scenario's split."""
    return torch.from_numpy(scenario.downlink_at(scenario.positions()[:, None])[:, 0].conj())


def typical_links(scenario: Scenario, blocks: int = 256) -> Tensor:
    """Downlink channels (B, K, N, M) of coherence blocks 0, 1, ... in units in which power and noise are 1."""
    h = torch.from_numpy(scenario.downlink(range(blocks)))
    h = h if h.dim() == 4 else h[:, :, None]
    return h * (scenario.downlink_power / scenario.noise_power) ** 0.5
