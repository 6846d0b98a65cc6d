"""Training and measuring in uncorrelated Rayleigh fading, with users of several antennas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sim.rate_mimo import sum_rate_mimo
from sim.wmmse_mimo import wmmse_mimo
from sim.world.rayleigh import RayleighScenario
from trained.networks.parts.perfect_precoder import PerfectPrecoder
from trained.training.drops import Drop
from trained.training.settings import Settings

_FRAME = 256


def rayleigh_scenario(s: Settings, seed: int = 0) -> RayleighScenario:
    """The fading that a run is for; seed 0 has the test channels."""
    return RayleighScenario(s.antennas, s.max_users, s.user_antennas, s.user_antennas, s.snr_db, seed)


class RayleighDrops:
    """The drops of a run; drop number n depends on (settings, n) alone."""

    noise_power = 1.0

    def __init__(self, settings: Settings, device: torch.device):
        self.batch, self.scenario, self.device = settings.batch, rayleigh_scenario(settings, settings.seed + 1), device

    def drop(self, step: int, network, rank: int = 0, ranks: int = 1) -> Drop:
        """Drop number `step`; the part of process `rank` of `ranks`. Its channels are (B, K, N, M), heard as they are."""
        first = step * self.batch
        mine = range(first + rank * self.batch // ranks, first + (rank + 1) * self.batch // ranks)
        h = torch.from_numpy(self.scenario.channels(mine)).to(self.device)
        return Drop(h, torch.zeros(len(mine)), h, torch.full((len(mine),), self.scenario.power, device=self.device))


@dataclass(frozen=True)
class RayleighReference:
    """Test channels h (B, K, N, M) and what WMMSE reaches on them, wmmse_rate (B,), bit/s/Hz."""

    scenario: RayleighScenario
    h: np.ndarray
    wmmse_rate: np.ndarray

    @classmethod
    def of(cls, scenario: RayleighScenario, blocks: int, starts: int = 1, iterations: int = 200) -> RayleighReference:
        """Blocks 0 ... blocks-1; WMMSE as the best of `starts`, the first of which is regularised zero forcing."""
        h = scenario.channels(range(blocks))
        precoders = (wmmse_mimo(h, scenario.streams, scenario.power, 1.0, iterations, seed=n or None) for n in range(starts))
        found = [sum_rate_mimo(h, v, 1.0) for v in precoders]
        return cls(scenario, h, np.max(found, axis=0))

    def rate_of(self, network: PerfectPrecoder) -> np.ndarray:
        """(B,) sum rate of a network."""
        return sum_rate_mimo(self.h, mimo_precoders(network, self.h, self.scenario.power), 1.0)

    def shares_of_zero_forcing(self) -> dict[str, float | None]:
        """Share of WMMSE that regularised zero forcing reaches, the start of WMMSE."""
        rate = sum_rate_mimo(self.h, wmmse_mimo(self.h, self.scenario.streams, self.scenario.power, 1.0, 0), 1.0)
        return {"zf_perfect_csi": float(rate.mean() / self.wmmse_rate.mean()), "ls_zf_uplink": None}


@torch.inference_mode()
def mimo_precoders(network: PerfectPrecoder, h: np.ndarray, power: float) -> np.ndarray:
    """V (B, K, M, d) complex64 of `power` for channels h (B, K, N, M) with a noise power of 1."""
    device = next(network.parameters()).device
    network.eval()

    def precoders(part: Tensor) -> np.ndarray:
        return network.precoders(part.to(device) * power**0.5).cpu().numpy()

    return np.concatenate([precoders(part) for part in torch.tensor(h).split(_FRAME)]) * np.float32(power**0.5)
