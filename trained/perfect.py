"""Powers for a known downlink channel: the neural answer to WMMSE."""
from __future__ import annotations

import torch
from torch import Tensor, nn

_FLOOR = 0.002


class PerfectCalibration(nn.Module):
    """Hands on the channel and learns the powers p and q of the structured precoder, in rounds from equal powers.

    A round computes what every user hears of every stream with the powers so far, passes messages between users along
    these couplings, and corrects the powers. It sees Gram matrices only, so one network serves any number of antennas and
    users; permuting users permutes the outputs, and a user's phase changes nothing.
    """

    def __init__(self, hidden: int = 64, rounds: int = 3):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(2, hidden), nn.ReLU())
        self.rounds = nn.ModuleList(_Round(hidden) for _ in range(rounds))

    def forward(self, h_est: Tensor, estimate_noise, power, noise_power) -> tuple[Tensor, Tensor, Tensor]:
        """(h_est, p (B, K), q (B, K)) for downlink channels h_est (B, M, K) complex; power, noise_power: mW.

        estimate_noise is not used: the channel is taken for exact. sum p = power; q > 0.
        """
        blocks, _, users = h_est.shape
        power = torch.as_tensor(power, dtype=torch.float32, device=h_est.device).expand(blocks)[:, None]
        noise_power = torch.as_tensor(noise_power, dtype=torch.float32, device=h_est.device).expand(blocks)[:, None]
        scale = (power / (users * noise_power)).sqrt()[:, None]
        gram = (h_est * scale).mH @ (h_est * scale)
        gain = gram.diagonal(dim1=1, dim2=2).real.clamp_min(1e-12).log()
        share, level = torch.zeros_like(gain), torch.zeros_like(gain)
        z = self.start(torch.stack([gain / 4, torch.full_like(gain, float(users)).log()], dim=-1))
        for step in self.rounds:
            z, share, level = step(z, share, level, gram, gain)
        return h_est, power * _shares(share), power / users * level.exp()


def _shares(logits):
    return (1 - _FLOOR) * torch.softmax(logits, dim=-1) + _FLOOR / logits.shape[-1]


class _Round(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.look = nn.Sequential(nn.Linear(hidden + 6, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.update = nn.Sequential(nn.Linear(4 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.out = nn.Linear(hidden, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z, share, level, gram, gain):
        heard = _received(gram, _shares(share) * share.shape[-1], level.exp())
        signal = heard.diagonal(dim1=1, dim2=2)
        others = heard - torch.diag_embed(signal)
        suffered, caused = others.sum(2), others.sum(1)
        facts = [gain / 4, torch.log1p(signal) / 4, torch.log1p(suffered) / 2, torch.log1p(caused) / 2, share / 2, level / 2]
        z = self.look(torch.cat([z, torch.stack(facts, dim=-1)], dim=-1))
        from_others = others / (1 + suffered)[..., None]
        to_others = others.mT / (1 + caused)[..., None]
        z = z + self.update(torch.cat([z, from_others @ z, to_others @ z, z.mean(1, keepdim=True).expand_as(z)], dim=-1))
        change = self.out(z)
        return z, share + change[..., 0], (level + change[..., 1]).clamp(-8, 8)


def _received(gram, p, q):
    """(B, K, K) power of stream j at user k over the noise, with relative powers p and q (1 is an equal share)."""
    root = q.sqrt().to(gram.dtype)
    a = root[..., :, None] * gram * root[..., None, :] + torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    x = root[..., :, None] * torch.linalg.inv(a)
    e = gram @ x
    norm = (x.conj() * e).sum(1).real.clamp_min(1e-20)
    return (e.real**2 + e.imag**2) * (p / norm)[..., None, :]
