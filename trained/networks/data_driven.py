"""The black box: a convolutional network from channels, or from received pilots, to precoders."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sim.wmmse_mimo import wmmse_mimo
from trained.networks.network import CalibrationNetwork
from trained.networks.parts.last_step import exact_precoder, receivers
from trained.networks.parts.perfect_precoder import PerfectPrecoder

_SUPERVISED = 0.2
_LABEL_ITERATIONS = 20


class DataDriven(CalibrationNetwork):
    """Convolutions with batch normalisation and leaky ReLU, then dense layers, give U and W; the last step of WMMSE gives the precoder.

    For exactly `users` users. antennas M, user_antennas N, streams d; the image is (B, M, columns). Strides halve the antenna axis in
    every convolution, which keeps the dense layer at a size that trains here (published: no stride, 1,024 neurons).
    Source: Hu et al., Section V-A.
    """

    precoder = "own"
    one_size = True
    given_channel = True
    input_unit: Tensor
    u_unit: Tensor
    w_unit: Tensor
    h_unit: Tensor

    def __init__(
        self,
        antennas: int,
        users: int,
        user_antennas: int = 1,
        streams: int = 1,
        convolutions: int = 3,
        channels: int = 32,
        dense: int = 256,
    ):
        super().__init__()
        self.users, self.shape, self.streams = users, (users, user_antennas, antennas), streams
        layers: list[nn.Module] = []
        height = antennas
        for n in range(convolutions):
            convolution = nn.Conv2d(channels if n else 2, channels, 5, stride=(2, 1), padding=2)
            layers += [convolution, nn.BatchNorm2d(channels), nn.LeakyReLU(0.1)]
            height = (height + 1) // 2
        layers += [nn.Flatten(), nn.Linear(channels * height * users * user_antennas, dense), nn.LeakyReLU(0.1)]
        self.sizes = [users * user_antennas * streams, users * streams * streams]
        if not self.given_channel:
            self.sizes.append(users * user_antennas * antennas)
        self.layers = nn.Sequential(*layers, nn.Linear(dense, 2 * sum(self.sizes)))
        for name in ("input_unit", "u_unit", "w_unit", "h_unit"):
            self.register_buffer(name, torch.ones(()))

    def serves(self, users):
        return users == self.users

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


class DataDrivenPerfect(DataDriven, PerfectPrecoder):
    """The black box from perfectly known channels; supervised by WMMSE for a fifth of the training, then on the sum rate."""

    def precoders(self, h: Tensor) -> Tensor:
        """V (B, K, M, d) of power 1 for channels h (B, K, N, M) in units in which power and noise are 1."""
        u, w, *_ = self.outputs(h.flatten(1, 2).mT)
        return exact_precoder(h, u, w)

    def loss(self, drop, noise_power, progress):
        if progress >= _SUPERVISED:
            return super().loss(drop, noise_power, progress)
        h = self.scaled(drop, noise_power)
        errors = [
            (found - label) / unit
            for found, label, unit in zip(
                self.outputs(h.flatten(1, 2).mT), labels(h, self.streams), (self.u_unit, self.w_unit), strict=True
            )
        ]
        return torch.stack([(error.real**2 + error.imag**2).mean() for error in errors]).sum()


class DataDrivenPilots(DataDriven):
    """The black box from received pilots, trained on the sum rate; it also gives the channel that the last step of WMMSE needs."""

    csi = "received"
    given_channel = False

    def forward(self, y: Tensor, estimate_noise, power, noise_power) -> tuple[Tensor]:
        """(v (B, M, K),) from received pilots y (B, M, L); power: downlink, mW, a number or (B,)."""
        u, w, h = self.outputs(y)
        v = exact_precoder(h, u, w)[..., 0].mT
        return (v * torch.as_tensor(power, dtype=torch.float32, device=y.device).reshape(-1, 1, 1).sqrt(),)


@torch.no_grad()
def labels(h: Tensor, streams: int) -> tuple[Tensor, Tensor]:
    """U (B, K, N, d) and W (B, K, d, d) of WMMSE for channels (B, K, N, M) in units in which power and noise are 1."""
    v = wmmse_mimo(h.cpu().numpy(), streams, 1.0, 1.0, _LABEL_ITERATIONS)
    return receivers(h, torch.from_numpy(v).to(h.device, h.dtype))
