"""The networks of both neural-calibration papers: shared MLPs that calibrate the inputs of least squares and zero forcing."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from sim.pilots import dft_pilots
from trained.networks.network import CalibrationNetwork

USER_WIDTHS = (512, 2048, 2048)
ANTENNA_WIDTHS = (128, 512, 512)


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


class PaperPerfect(CalibrationNetwork):
    """A user-shared MLP calibrates the perfect downlink channel before zero forcing. Source: Ma et al. (journal), Section IV-A."""

    csi = "perfect"
    precoder = "zf"

    def __init__(self, antennas: int, widths: tuple[int, ...] = USER_WIDTHS):
        super().__init__()
        self.users = SharedMLP(antennas, tuple(widths))

    def forward(self, h_est: Tensor, estimate_noise, power, noise_power) -> tuple[Tensor]:
        """(h (B, M, K),) for zero forcing, from channels h_est (B, M, K); the network is told no noise level and no power."""
        return (self.users(h_est.mT).mT,)


class PaperConference(PaperPerfect):
    """Learned pilots, least squares, user-shared MLP, zero forcing. Source: Ma et al. 2021, Section III.

    pilots: the numbers of users K that it has a K x K pilot matrix for; they start at the DFT matrix.
    """

    csi = "pilots"
    own_pilots = True

    def __init__(self, antennas: int, pilots: tuple[int, ...], widths: tuple[int, ...] = USER_WIDTHS):
        super().__init__(antennas, widths)
        start = {f"k{k}": torch.view_as_real(torch.from_numpy(dft_pilots(k, k, 1.0))).clone() for k in pilots}
        self.pilots = nn.ParameterDict({name: nn.Parameter(x) for name, x in start.items()})

    def serves(self, users):
        return f"k{users}" in self.pilots

    def unit_pilots(self, users):
        if not self.serves(users):
            known = sorted(int(name[1:]) for name in self.pilots)
            raise ValueError(f"users={users}: these weights have learned pilots for {', '.join(map(str, known))} users")
        x = torch.view_as_complex(self.pilots[f"k{users}"])
        return x * (users**0.5 / torch.linalg.vector_norm(x, dim=1, keepdim=True))


class PaperJournal(PaperPerfect):
    """An antenna-shared MLP calibrates the received pilots, then least squares, user-shared MLP, zero forcing.

    For one number of users K with K DFT pilots. Source: Ma et al. (journal), eq. 22 and Section V-A.
    """

    csi = "pilots"
    own_pilots = calibrates_received = True

    def __init__(self, antennas: int, pilots: int, widths: tuple[int, ...] = USER_WIDTHS, antenna_widths: tuple[int, ...] = ANTENNA_WIDTHS):
        super().__init__(antennas, widths)
        self.length = pilots
        self.antennas = SharedMLP(pilots, tuple(antenna_widths))

    def serves(self, users):
        return users == self.length

    def unit_pilots(self, users):
        if not self.serves(users):
            raise ValueError(f"users={users}: these weights are for {self.length} users and as many pilots")
        return super().unit_pilots(users)

    def received(self, y):
        return self.antennas(y)
