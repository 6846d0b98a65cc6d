"""The black box from received pilots to precoders."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trained.networks import Hears, network
from trained.networks.parts.black_box import BlackBox
from trained.networks.parts.last_step import exact_precoder
from trained.networks.parts.places import typical_links


@network("data-driven", title="fully data-driven")
class DataDriven(BlackBox):
    """The black box from received pilots, trained on the sum rate; it also gives the channel that the last step of WMMSE needs."""

    hears = Hears.RECEIVED
    given_channel = False

    def start(self, scenario, generator):
        uplink = torch.from_numpy(scenario.uplink(range(256)))
        self.start_from(typical_links(scenario), uplink * (scenario.uplink_power * self.users) ** 0.5)

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """(v (B, M, K),) from received pilots (B, M, L); power: downlink, mW, a number or (B,)."""
        u, w, h = self.outputs(heard)
        v = exact_precoder(h, u, w)[..., 0].mT
        return (v * torch.as_tensor(power, dtype=torch.float32, device=heard.device).reshape(-1, 1, 1).sqrt(),)
