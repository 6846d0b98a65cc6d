"""A network of a user's own, as docs/extending.md prints it."""

from dataclasses import dataclass

import torch
from torch import nn

from trained.networks import Gives, Hears, Network, network


@network("shrink", title="LS + learned shrinkage + ZF")
class Shrink(Network):
    """One complex gain per beam, the same for all users: the least that a calibration can learn."""

    hears, gives = Hears.ESTIMATE, Gives.CHANNEL

    @dataclass(frozen=True)
    class Config:
        """start_gain: what every beam's gain starts at."""

        start_gain: float = 1.0

    def __init__(self, size, config=None):
        super().__init__(size, config)
        m = torch.arange(size.antennas)
        beams = torch.exp(2j * torch.pi * m[:, None] * m / size.antennas) / size.antennas**0.5
        self.register_buffer("beams", torch.view_as_real(beams).float(), persistent=False)
        self.gain = nn.Parameter(torch.tensor([self.config.start_gain, 0.0]).repeat(size.antennas, 1))

    def forward(self, heard, estimate_noise, power, noise_power):
        beams, gain = torch.view_as_complex(self.beams), torch.view_as_complex(self.gain)
        return (beams @ (gain[:, None] * (beams.mH @ heard)),)
