"""Posterior mean of the downlink channel under a Gaussian mixture whose components are places in the cell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trained.networks.parts.routing import routed_evidence


class LowRankGaussians(nn.Module):
    """Zero-mean complex Gaussians with covariance K diag(power) K^H + rest I; K (M, rank) are a component's keys.

    All tensors start with the axes of `shape`, the arrangement of the components.
    """

    def __init__(self, shape: tuple[int, ...], rank: int, antennas: int):
        super().__init__()
        self.antennas = antennas
        self.keys = nn.Parameter(torch.zeros(*shape, rank, antennas, 2))
        self.log_power = nn.Parameter(torch.zeros(*shape, rank))
        self.log_rest = nn.Parameter(torch.zeros(shape))
        self.log_share = nn.Parameter(torch.zeros(shape))

    @torch.no_grad()
    def fit(self, component, channels: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Take the covariance of channels (n, M) for one component; its (power (rank,), keys (M, rank))."""
        rank = self.keys.shape[-3]
        covariance = channels.T @ channels.conj() / max(1, len(channels))
        power, keys = torch.linalg.eigh(covariance)
        power, keys = power.flip(0)[:rank].clamp_min(1e-6), keys.flip(1)[:, :rank]
        rest = (covariance.diagonal().real.sum() - power.sum()) / max(1, self.antennas - rank)
        self.keys[component] = torch.view_as_real(keys.T.contiguous())
        self.log_power[component] = power.log()
        self.log_rest[component] = rest.clamp_min(1e-4).log()
        self.log_share[component] = torch.tensor(share).log()
        return power, keys

    def forward(self, y: Tensor, noise: Tensor, chosen=None) -> tuple[Tensor, Tensor, Tensor]:
        """(log evidence up to a constant, Wiener coefficients K^H y shrunk, their posterior variance) of components.

        y (..., M) complex with noise power `noise` (...) per entry. chosen: index of the components to look at for each
        y, a tensor or a tuple of tensors (..., n); all of them by default. Evidence has the shape of the components
        behind that of y, the others `rank` behind that.
        """
        share: Tensor = self.log_share
        if chosen is None:
            keys = torch.view_as_complex(self.keys)
            power, rest = self.log_power.exp(), self.log_rest.exp()
            c = (y @ keys.flatten(0, -2).mH).unflatten(-1, keys.shape[:-1])
        else:
            keys = torch.view_as_complex(self.keys[chosen])
            power, rest, share = self.log_power[chosen].exp(), self.log_rest[chosen].exp(), self.log_share[chosen]
            lead = y.dim() - 1
            c = (keys.flatten(lead, -2) @ y.conj()[..., None])[..., 0].conj().unflatten(-1, keys.shape[lead:-1])
        behind = (1,) * (c.dim() - y.dim())
        energy = (y.real**2 + y.imag**2).sum(-1)
        floor = noise.reshape(*noise.shape, *behind) + rest
        gain = power / (power + floor[..., None])
        explained = ((c.real**2 + c.imag**2) * gain).sum(-1) - energy.reshape(*energy.shape, *behind)
        spread = torch.log1p(power / floor[..., None]).sum(-1) + self.antennas * floor.log()
        return explained / floor - spread + share, gain * c, gain * floor[..., None]


class GaussianMixture(nn.Module):
    """E[h_DL | y] where uplink and downlink channels of a place are jointly Gaussian and places are a mixture.

    `regions` x `cells` components; the regions, which are not trained, only choose: the cells of the `routes` likeliest
    regions are looked at, and the `looks` likeliest of those make the answer. Turning the phase of y turns the answer.
    Source: Koller, Fesl, Turan, Utschick, "An asymptotically MSE-optimal estimator based on Gaussian mixture
    models", IEEE Trans. Signal Process. 2022, here with low-rank components and two carriers.
    """

    def __init__(self, antennas: int, regions: int, cells: int, rank: int, region_rank: int = 4, routes: int = 8, looks: int = 8):
        super().__init__()
        self.routes, self.looks, self.cells_per_region = min(routes, regions), min(looks, min(routes, regions) * cells), cells
        rank, region_rank = min(rank, antennas), min(region_rank, antennas)
        self.regions = LowRankGaussians((regions,), region_rank, antennas).requires_grad_(False)
        self.cells = LowRankGaussians((regions, cells), rank, antennas)
        self.values = nn.Parameter(torch.zeros(regions, cells, rank, antennas, 2))
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(()))

    @torch.no_grad()
    def start_from(self, uplink: Tensor, downlink: Tensor, positions_m: Tensor, generator: torch.Generator) -> None:
        """Fit to channels (N, M) complex of known places (N, 3): k-means regions, k-means cells within, one Gaussian each."""
        count = len(uplink)
        self.scale.copy_((uplink.real**2 + uplink.imag**2).mean().sqrt())
        uplink, downlink = uplink / self.scale, downlink / self.scale
        for r, here in enumerate(_clusters(positions_m, len(self.regions.log_rest), generator)):
            self.regions.fit(r, uplink[here], (len(here) + 1) / count)
            for c, members in enumerate(_clusters(positions_m[here], self.cells_per_region, generator)):
                u, d = uplink[here[members]], downlink[here[members]]
                power, keys = self.cells.fit((r, c), u, (len(u) + 1) / count)
                values = d.T @ u.conj() / max(1, len(u)) @ keys / power
                self.values[r, c] = torch.view_as_real(values.T.contiguous())

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(h (B, K, M), probability of the likeliest cell (B, K), expected power of the uplink channel (B, K)).

        x (B, K, M) complex: uplink estimates; noise (B, K): noise power per entry, mW.
        """
        y, noise = x / self.scale, noise / self.scale**2
        with torch.no_grad():
            route = self.regions(y, noise)[0].topk(self.routes, dim=-1).indices
            evidence = routed_evidence(self.cells, y, noise, route).flatten(-2)
            best = evidence.topk(self.looks, dim=-1).indices
            region = torch.gather(route, -1, best // self.cells_per_region)
            chosen = (region, best % self.cells_per_region)
        evidence, coefficient, variance = self.cells(y, noise, chosen)
        weight = torch.softmax(evidence, dim=-1)
        values = torch.view_as_complex(self.values[chosen]).flatten(2, 3)
        h = ((coefficient * weight[..., None]).flatten(2)[..., None, :] @ values)[..., 0, :]
        expected = (weight * (coefficient.real**2 + coefficient.imag**2 + variance).sum(-1)).sum(-1)
        return h * self.scale, weight.amax(-1), expected * self.scale**2


def _clusters(points, count, generator, rounds=10):
    """Row numbers of each of `count` clusters by Lloyd's k-means; a cluster is empty where points run out."""
    if not len(points):
        return [torch.zeros(0, dtype=torch.long)] * count
    centre = points[torch.randperm(len(points), generator=generator)[:count]]
    for _ in range(rounds):
        nearest = torch.cdist(points, centre).argmin(1)
        size = torch.bincount(nearest, minlength=len(centre)).clamp_min(1)
        centre = torch.zeros_like(centre).index_add_(0, nearest, points) / size[:, None]
    nearest = torch.cdist(points, centre).argmin(1)
    return [(nearest == n).nonzero()[:, 0] for n in range(count)]
