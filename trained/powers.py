"""Per-user downlink powers p and virtual uplink powers q from all users' channels, by messages between users."""
from __future__ import annotations

import torch
from torch import Tensor, nn

_FLOOR = 0.01


class PowerAllocation(nn.Module):
    """A two-round message network over users; permutation equivariant; starts at equal powers.

    Every user gets at least 1 % of an equal share of p, which keeps sqrt(p) smooth. q is positive; its sum is learned
    too, since the best regularisation of an uncertain channel is not that of a known one.
    """

    def __init__(self, hidden: int = 64):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.update = nn.Sequential(nn.Linear(3 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.out = nn.Linear(3 * hidden, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h: Tensor, log_snr: Tensor, log_match: Tensor, power, noise_power) -> tuple[Tensor, Tensor]:
        """p, q (B, K) in mW for channels h (B, M, K); power, noise_power: mW, numbers or tensors (B,)."""
        blocks, _, users = h.shape
        power = torch.as_tensor(power, dtype=torch.float32, device=h.device).expand(blocks)[:, None]
        noise_power = torch.as_tensor(noise_power, dtype=torch.float32, device=h.device).expand(blocks)[:, None]
        energy = (h.real**2 + h.imag**2).sum(1).clamp_min(1e-30)
        unit = h / energy.sqrt()[:, None, :]
        gram = unit.mH @ unit
        overlap = gram.real**2 + gram.imag**2
        overlap = overlap - torch.diag_embed(overlap.diagonal(dim1=1, dim2=2))
        log_downlink = torch.log(energy * power / (users * noise_power)).clamp(-20, 30)
        count = torch.full_like(log_snr, float(users)).log()
        features = [log_downlink / 4, log_snr / 4, 4 * log_match, overlap.sum(2), overlap.amax(2), count]
        z = self.embed(torch.stack(features, dim=-1))
        z = self.update(self._with_messages(z, overlap))
        share, level = self.out(self._with_messages(z, overlap)).unbind(-1)
        p = power * ((1 - _FLOOR) * torch.softmax(share, dim=-1) + _FLOOR / users)
        q = power / users * torch.exp(level.clamp(-8, 8))
        return p, q

    @staticmethod
    def _with_messages(z, overlap):
        return torch.cat([z, overlap @ z, z.mean(1, keepdim=True).expand_as(z)], dim=-1)
