"""Downlink powers p and virtual uplink powers q of all users, by rounds of messages between users."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PowerRounds(nn.Module):
    """Starts at equal powers and corrects them round by round.

    A round computes what every user hears of every stream with the powers so far, if the channels are taken for exact,
    and passes messages along these couplings. It sees Gram matrices and `side` facts about each user only, so one
    network serves any number of antennas and users; permuting users permutes the outputs, and a user's phase changes
    nothing. Every user keeps at least the share `floor` of an equal one, since sqrt(p) has an infinite slope at 0. The
    sum of q is learned too: the best regularisation of an uncertain channel is not that of a known one.
    """

    def __init__(self, hidden: int = 64, rounds: int = 3, side: int = 0, floor: float = 0.002):
        super().__init__()
        self.floor = floor
        self.start = nn.Sequential(nn.Linear(2 + side, hidden), nn.ReLU())
        self.rounds = nn.ModuleList(_Round(hidden) for _ in range(rounds))

    def forward(self, h: Tensor, side: list[Tensor], power, noise_power) -> tuple[Tensor, Tensor]:
        """p, q (B, K) in mW for channels h (B, M, K); side: facts (B, K); power, noise_power: mW, numbers or (B,).

        sum p = power; q > 0.
        """
        blocks, _, users = h.shape
        power = torch.as_tensor(power, dtype=torch.float32, device=h.device).expand(blocks)[:, None]
        noise_power = torch.as_tensor(noise_power, dtype=torch.float32, device=h.device).expand(blocks)[:, None]
        scale = (power / (users * noise_power)).sqrt()[:, None]
        gram = (h * scale).mH @ (h * scale)
        gain = gram.diagonal(dim1=1, dim2=2).real.clamp_min(1e-12).log()
        logit, level = torch.zeros_like(gain), torch.zeros_like(gain)
        z = self.start(torch.stack([gain / 4, torch.full_like(gain, float(users)).log(), *side], dim=-1))
        for step in self.rounds:
            heard = _received(gram, users * self._shares(logit), level.exp())
            z, logit, level = step(z, logit, level, heard, gain)
        return power * self._shares(logit), power / users * level.exp()

    def _shares(self, logit):
        return (1 - self.floor) * torch.softmax(logit, dim=-1) + self.floor / logit.shape[-1]


class _Round(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.look = nn.Sequential(nn.Linear(hidden + 6, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.update = nn.Sequential(nn.Linear(4 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.out = nn.Linear(hidden, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z, logit, level, heard, gain):
        signal = heard.diagonal(dim1=1, dim2=2)
        others = heard - torch.diag_embed(signal)
        suffered, caused = others.sum(2), others.sum(1)
        facts = [gain / 4, torch.log1p(signal) / 4, torch.log1p(suffered) / 2, torch.log1p(caused) / 2, logit / 2, level / 2]
        z = self.look(torch.cat([z, torch.stack(facts, dim=-1)], dim=-1)).float()
        from_others = others / (1 + suffered)[..., None]
        to_others = others.mT / (1 + caused)[..., None]
        z = z + self.update(torch.cat([z, from_others @ z, to_others @ z, z.mean(1, keepdim=True).expand_as(z)], dim=-1)).float()
        change = self.out(z).float()
        return z, logit + change[..., 0], (level + change[..., 1]).clamp(-8, 8)


def _received(gram, p, q):
    """(B, K, K) power of stream j at user k over the noise, with relative powers p and q (1 is an equal share)."""
    root = q.sqrt().to(gram.dtype)
    a = root[..., :, None] * gram * root[..., None, :] + torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    x = root[..., :, None] * torch.linalg.inv(a)
    e = gram @ x
    norm = (x.conj() * e).sum(1).real.clamp_min(1e-20)
    return (e.real**2 + e.imag**2) * (p / norm)[..., None, :]
