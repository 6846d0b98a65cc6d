"""The black box from known channels to precoders."""

from __future__ import annotations

import torch
from torch import Tensor

from trained.networks import network
from trained.networks.parts.black_box import BlackBox, labels
from trained.networks.parts.last_step import exact_precoder
from trained.networks.parts.perfect_precoder import PerfectPrecoder
from trained.networks.parts.places import typical_links

_SUPERVISED = 0.2


@network("data-driven-perfect", title="fully data-driven, perfect CSI")
class DataDrivenPerfect(BlackBox, PerfectPrecoder):
    """The black box from perfectly known channels; supervised by WMMSE for a fifth of the training, then on the sum rate."""

    def start(self, scenario, generator):
        h = typical_links(scenario)
        self.start_from(h, h.flatten(1, 2).mT)

    def precoders(self, h: Tensor) -> Tensor:
        """V (B, K, M, d) of power 1 for channels h (B, K, N, M) in units in which power and noise are 1."""
        u, w, *_ = self.outputs(h.flatten(1, 2).mT)
        return exact_precoder(h, u, w)

    def loss(self, drop, noise_power, progress):
        if progress >= _SUPERVISED:
            return super().loss(drop, noise_power, progress)
        h = self.scaled(drop, noise_power)
        found, units = self.outputs(h.flatten(1, 2).mT), (self.u_unit, self.w_unit)
        errors = [(f - label) / unit for f, label, unit in zip(found, labels(h, self.streams), units, strict=True)]
        return torch.stack([(error.real**2 + error.imag**2).mean() for error in errors]).sum()
