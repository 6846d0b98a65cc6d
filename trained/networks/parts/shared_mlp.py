"""The MLP of both neural-calibration papers."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn


class SharedMLP(nn.Module):
    """A complex vector to a complex vector, with the same weights for all leading axes.

    Dense layers, each followed by batch normalisation, ReLU on the hidden ones. `scale` makes the inputs of order 1,
    which the epsilon of batch normalisation needs. Source: Ma et al. 2021, Section IV-A.
    """

    def __init__(self, size: int, widths: tuple[int, ...]):
        super().__init__()
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(()))
        sizes = [2 * size, *widths, 2 * size]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """(..., size) complex to the same."""
        rows = torch.cat([x.real, x.imag], dim=-1) / self.scale
        re, im = self.layers(rows.flatten(0, -2)).float().unflatten(0, x.shape[:-1]).chunk(2, dim=-1)
        return torch.complex(re, im) * self.scale

    @torch.no_grad()
    def scale_to(self, inputs: Tensor) -> None:
        """Take the root mean square of typical inputs for `scale`."""
        self.scale.copy_((inputs.real**2 + inputs.imag**2).mean().sqrt())
