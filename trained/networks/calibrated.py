"""Neural calibration: from an uplink channel estimate to the channel and the powers that the precoder should use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trained.networks import Gives, Hears, Network, Size, network
from trained.networks.parts.mixture import GaussianMixture
from trained.networks.parts.places import downlink_of_places, uplink_of_places
from trained.networks.parts.powers import PowerRounds


@network("calibrated", title="calibeam")
class Calibrated(Network):
    """Posterior mean over places, refined in the beam domain by an MLP that all users share, and user powers p and q.

    Any number of users; permuting them permutes the outputs; a user's phase carries over to its calibrated channel.
    """

    hears, gives = Hears.ESTIMATE, Gives.STRUCTURE

    @dataclass(frozen=True)
    class Config:
        """What the network is made of.

        regions       regions of the mixture of places
        cells         cells in each region
        rank          rank of a cell's covariance
        hidden        width of the refinement MLP
        mixture_rate  share of the learning rate that the mixture gets
        """

        regions: int = 400
        cells: int = 5
        rank: int = 4
        hidden: int = 256
        mixture_rate: float = 0.1

        def __post_init__(self):
            for name in ("regions", "cells", "rank", "hidden"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name}={getattr(self, name)} has to be at least 1")
            if not self.mixture_rate > 0:
                raise ValueError(f"mixture_rate={self.mixture_rate} has to be above 0")

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        c, antennas = self.config, size.antennas
        self.antennas = antennas
        self.mixture = GaussianMixture(antennas, c.regions, c.cells, c.rank)
        self.refine = nn.Sequential(
            nn.Linear(4 * antennas + 4, c.hidden),
            nn.ReLU(),
            nn.Linear(c.hidden, c.hidden),
            nn.ReLU(),
            last := nn.Linear(c.hidden, 4 * antennas),
        )
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.powers = PowerRounds(hidden=64, rounds=2, side=3, floor=0.01)
        self.beams: Tensor
        m = torch.arange(antennas)
        beams = torch.exp(2j * math.pi * (m[:, None] * m % antennas) / antennas) / math.sqrt(antennas)
        self.register_buffer("beams", torch.view_as_real(beams).float(), persistent=False)

    def start(self, scenario, generator):
        c, rows = self.config, scenario.positions()
        if c.regions * c.cells > len(rows):
            raise ValueError(f"regions={c.regions} with cells={c.cells} each are more than the {len(rows)} training positions")
        positions = torch.from_numpy(scenario.world.positions()[rows]).float()
        self.mixture.start_from(uplink_of_places(scenario), downlink_of_places(scenario), positions, generator)

    def parameter_groups(self):
        mixture = [p for p in self.mixture.parameters() if p.requires_grad]
        others = [p for name, p in self.named_parameters() if not name.startswith("mixture.")]
        return [{"params": others, "share": 1.0}, {"params": mixture, "share": self.config.mixture_rate}]

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """(h (B, M, K) complex, p (B, K), q (B, K)) from uplink estimates (B, M, K) complex.

        estimate_noise: noise power per entry of them; power: downlink transmit power; noise_power: at the users; all mW,
        numbers or tensors (B,). sum p = power; q > 0.
        """
        x = heard.mT
        estimate_noise = torch.as_tensor(estimate_noise, dtype=torch.float32, device=x.device).expand(len(x))[:, None]
        estimate_noise = estimate_noise.expand(x.shape[:2])
        norm = torch.linalg.vector_norm(x, dim=-1).clamp_min(1e-18)
        log_snr = torch.log(norm**2 / (self.antennas * estimate_noise)).clamp(-10, 20)
        h, certainty, expected = self.mixture(x, estimate_noise)
        unexplained = torch.log(norm**2 / expected.clamp_min(1e-36)).clamp(-10, 10)
        x, h = x / norm[..., None], h / norm[..., None]

        beams = torch.view_as_complex(self.beams)
        x_beam, h_beam = x @ beams.conj(), h @ beams.conj()
        strongest = torch.gather(h_beam, -1, h_beam.abs().argmax(-1, keepdim=True))
        turn = strongest / strongest.abs().clamp_min(1e-12)
        x_beam, h_beam = x_beam * turn.conj(), h_beam * turn.conj()
        side = torch.stack([log_snr / 4, (torch.log(estimate_noise) + 20) / 4, certainty, unexplained], dim=-1)
        scale = math.sqrt(self.antennas) / 4
        features = [scale * x_beam.real, scale * x_beam.imag, scale * h_beam.real, scale * h_beam.imag, side]
        gain_re, gain_im, residual_re, residual_im = self.refine(torch.cat(features, dim=-1)).float().chunk(4, dim=-1)
        h_beam = h_beam + x_beam * torch.complex(gain_re, gain_im) + torch.complex(residual_re, residual_im) / (4 * scale)

        h = ((h_beam * turn) @ beams.mT * norm[..., None]).mT
        p, q = self.powers(h, [log_snr / 4, certainty, unexplained], power, noise_power)
        return h, p, q
