"""Neural calibration: from an uplink channel estimate to the channel and the powers that the precoder should use."""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from trained.powers import PowerAllocation


class DictionaryAttention(nn.Module):
    """h = sum_n w_n (c_n / |c_n|) d_n with c_n = k_n^H x and w = softmax(beta |c_n| + bias_n).

    Keys k_n and values d_n are complex M-vectors that start as uplink and downlink channels of known places; beta grows
    with the user's signal-to-noise ratio. Turning the phase of x turns h by as much.
    """

    def __init__(self, antennas: int, entries: int):
        super().__init__()
        self.keys = nn.Parameter(torch.zeros(2, entries, antennas))
        self.values = nn.Parameter(torch.zeros(2, entries, antennas))
        self.bias = nn.Parameter(torch.zeros(entries))
        self.log_beta = nn.Parameter(torch.tensor([math.log(40.0), 0.0]))

    @torch.no_grad()
    def start_from(self, uplink: Tensor, downlink: Tensor) -> None:
        """Take `entries` places: uplink and downlink channels (N, M) complex, both divided by the uplink's norm."""
        norm = torch.linalg.vector_norm(uplink, dim=1, keepdim=True)
        self.keys.copy_(torch.view_as_real(uplink / norm).movedim(-1, 0))
        self.values.copy_(torch.view_as_real(downlink / norm).movedim(-1, 0))

    def forward(self, x: Tensor, log_snr: Tensor) -> tuple[Tensor, Tensor]:
        """(h (..., M), log max |c| (...)) for unit-norm x (..., M) complex and log_snr (...)."""
        c = x @ torch.complex(self.keys[0], -self.keys[1]).mT
        size = (c.real**2 + c.imag**2 + 1e-12).sqrt()
        beta = torch.exp(self.log_beta[0] + self.log_beta[1] * log_snr)
        weight = torch.softmax(beta[..., None] * size + self.bias, dim=-1) / size
        h = (c * weight) @ torch.complex(self.values[0], self.values[1])
        return h, size.amax(-1).log()


class Calibration(nn.Module):
    """Dictionary attention, refined in the beam domain by an MLP that all users share, and user powers p and q.

    Any number of users; permuting them permutes the outputs; a user's phase carries over to its calibrated channel.
    """

    def __init__(self, antennas: int, entries: int = 2048, hidden: int = 512, power_hidden: int = 64):
        super().__init__()
        self.antennas = antennas
        self.beams: Tensor
        self.dictionary = DictionaryAttention(antennas, entries)
        self.refine = nn.Sequential(nn.Linear(4 * antennas + 3, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
                                    last := nn.Linear(hidden, 4 * antennas))
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.powers = PowerAllocation(power_hidden)
        m = torch.arange(antennas)
        beams = torch.exp(2j * math.pi * (m[:, None] * m % antennas) / antennas) / math.sqrt(antennas)
        self.register_buffer("beams", torch.view_as_real(beams).float(), persistent=False)

    def forward(self, h_est: Tensor, estimate_noise, power, noise_power) -> tuple[Tensor, Tensor, Tensor]:
        """(h (B, M, K) complex, p (B, K), q (B, K)) from uplink estimates h_est (B, M, K) complex.

        estimate_noise: noise power per entry of h_est; power: downlink transmit power; noise_power: at the users; all mW,
        numbers or tensors (B,). sum p = power; q > 0.
        """
        x = h_est.mT
        estimate_noise = torch.as_tensor(estimate_noise, dtype=torch.float32, device=x.device).expand(len(x))[:, None]
        norm = torch.linalg.vector_norm(x, dim=-1).clamp_min(1e-18)
        log_snr = torch.log(norm**2 / (self.antennas * estimate_noise)).clamp(-10, 20)
        x = x / norm[..., None]
        h, log_match = self.dictionary(x, log_snr)

        beams = torch.view_as_complex(self.beams)
        x_beam, h_beam = x @ beams.conj(), h @ beams.conj()
        strongest = torch.gather(h_beam, -1, h_beam.abs().argmax(-1, keepdim=True))
        turn = strongest / strongest.abs().clamp_min(1e-12)
        x_beam, h_beam = x_beam * turn.conj(), h_beam * turn.conj()
        log_noise = torch.log(estimate_noise).expand_as(log_snr)
        side = torch.stack([log_snr / 4, (log_noise + 20) / 4, 4 * log_match], dim=-1)
        scale = math.sqrt(self.antennas) / 4
        features = [scale * x_beam.real, scale * x_beam.imag, scale * h_beam.real, scale * h_beam.imag, side]
        gain_re, gain_im, residual_re, residual_im = self.refine(torch.cat(features, dim=-1)).chunk(4, dim=-1)
        h_beam = h_beam + x_beam * torch.complex(gain_re, gain_im) + torch.complex(residual_re, residual_im) / (4 * scale)

        h = ((h_beam * turn) @ beams.mT * norm[..., None]).mT
        p, q = self.powers(h, log_snr, log_match, power, noise_power)
        return h, p, q
