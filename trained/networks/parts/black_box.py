"""The black box: a convolutional network from channels, or from received pilots, to what the last step of WMMSE needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sim.wmmse import wmmse
from trained.networks.base import Gives, Network, Size
from trained.networks.parts.last_step import receivers

_LABEL_ITERATIONS = 20


FIXED = {"min_users": 8, "max_users": 8, "default_power_share": 1.0}


class BlackBox(Network):
    """Convolutions with batch normalisation and leaky ReLU, then dense layers, give U and W; the last step of WMMSE gives the precoder.

    For exactly `users` users. antennas M, user_antennas N, streams d; the image is (B, M, columns). Strides halve the antenna axis in
    every convolution, which keeps the dense layer at a size that trains here (published: no stride, 1,024 neurons).
    Source: Hu et al., Section V-A.
    """

    gives = Gives.PRECODER
    fixed_users = True
    given_channel = True
    recipe = FIXED
    input_unit: Tensor
    u_unit: Tensor
    w_unit: Tensor
    h_unit: Tensor

    @dataclass(frozen=True)
    class Config:
        """convolutions: how many; channels: of each; dense: neurons of the dense layer."""

        convolutions: int = 3
        channels: int = 32
        dense: int = 256

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        c, antennas, users, user_antennas, streams = self.config, size.antennas, size.max_users, size.user_antennas, size.streams
        self.users, self.shape, self.streams = users, (users, user_antennas, antennas), streams
        layers: list[nn.Module] = []
        height = antennas
        for n in range(c.convolutions):
            convolution = nn.Conv2d(c.channels if n else 2, c.channels, 5, stride=(2, 1), padding=2)
            layers += [convolution, nn.BatchNorm2d(c.channels), nn.LeakyReLU(0.1)]
            height = (height + 1) // 2
        layers += [nn.Flatten(), nn.Linear(c.channels * height * users * user_antennas, c.dense), nn.LeakyReLU(0.1)]
        self.sizes = [users * user_antennas * streams, users * streams * streams]
        if not self.given_channel:
            self.sizes.append(users * user_antennas * antennas)
        self.layers = nn.Sequential(*layers, nn.Linear(c.dense, 2 * sum(self.sizes)))
        for name in ("input_unit", "u_unit", "w_unit", "h_unit"):
            self.register_buffer(name, torch.ones(()))

    def outputs(self, image: Tensor) -> tuple[Tensor, ...]:
        """U (B, K, N, d), W (B, K, d, d), positive definite, and where it is not given the channel H (B, K, N, M), for (B, M, columns)."""
        found = self.layers(torch.stack([image.real, image.imag], 1) / self.input_unit).float()
        parts = torch.complex(*found.chunk(2, dim=1)).split(self.sizes, dim=1)
        users, n, m = self.shape
        u = parts[0].unflatten(1, (users, n, self.streams)) + torch.eye(n, self.streams, device=image.device)
        c = parts[1].unflatten(1, (users, self.streams, self.streams)) + torch.eye(self.streams, device=image.device)
        w = c @ c.mH + 1e-3 * torch.eye(self.streams, device=image.device)
        return u * self.u_unit, w * self.w_unit, *(p.unflatten(1, (users, n, m)) * self.h_unit for p in parts[2:])

    @torch.no_grad()
    def start_from(self, h: Tensor, image: Tensor) -> None:
        """Take the units from channels h (B, K, N, M), where power and noise are 1, and from the images (B, M, columns) of them."""
        u, w = labels(h, self.streams)
        for unit, values in ((self.input_unit, image), (self.u_unit, u), (self.w_unit, w), (self.h_unit, h)):
            unit.copy_((values.real**2 + values.imag**2).mean().sqrt())


@torch.no_grad()
def labels(h: Tensor, streams: int) -> tuple[Tensor, Tensor]:
    """U (B, K, N, d) and W (B, K, d, d) of WMMSE for channels (B, K, N, M) in units in which power and noise are 1."""
    v = wmmse(h.cpu().numpy(), 1.0, 1.0, _LABEL_ITERATIONS, streams=streams)
    return receivers(h, torch.from_numpy(v).to(h.device, h.dtype))
