"""The last step of WMMSE, from receivers U and weights W to precoders, in units in which power and noise are 1."""

from __future__ import annotations

import torch
from torch import Tensor


def exact_precoder(h: Tensor, u: Tensor, w: Tensor, scaled: bool = True) -> Tensor:
    """V_k = (tr(sum U W U^H) I + sum H_m^H U_m W_m U_m^H H_m)^-1 H_k^H U_k W_k (B, K, M, d), by default scaled to power 1.

    h: (B, K, N, M); u: (B, K, N, d); w: (B, K, d, d). With F = [H_k^H U_k] this is F W (c I + F^H F W)^-1, an inverse of size K d.
    The inverse is taken in double precision: channels that are nearly parallel have to pass. Source: Hu et al., eq. 17.
    """
    users, streams = w.shape[1:3]
    f = h.mH @ u
    fw = (f @ w).transpose(1, 2).flatten(2).to(torch.complex128)
    f = f.transpose(1, 2).flatten(2).to(torch.complex128)
    c = (u @ w @ u.mH).diagonal(dim1=-2, dim2=-1).sum((1, 2))
    inner = c[:, None, None] * torch.eye(users * streams, dtype=f.dtype, device=h.device) + f.mH @ fw
    v = torch.linalg.solve(inner.mH, fw.mH).mH.to(h.dtype).unflatten(2, (users, streams)).transpose(1, 2)
    return normalized(v) if scaled else v


def received(h: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Covariance A (B, K, N, N) of what users receive, and H_k V_k (B, K, N, d). Source: Hu et al., eq. 16a."""
    users, antennas = h.shape[1:3]
    heard = (h.flatten(1, 2) @ v.transpose(1, 2).flatten(2)).unflatten(1, (users, antennas))
    own = heard.unflatten(3, (users, -1)).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    energy = (v.real**2 + v.imag**2).sum((1, 2, 3))[:, None, None, None]
    return energy * torch.eye(antennas, dtype=h.dtype, device=h.device) + heard @ heard.mH, own


def receivers(h: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """U (B, K, N, d) and W (B, K, d, d) of WMMSE for precoders v (B, K, M, d). Source: Hu et al., Algorithm 1."""
    a, own = received(h, v)
    u = torch.linalg.solve(a, own)
    return u, torch.linalg.inv(torch.eye(v.shape[-1], dtype=h.dtype, device=h.device) - u.mH @ own)


def normalized(v: Tensor) -> Tensor:
    """Precoders (B, K, M, d) scaled to power 1."""
    return v / (v.real**2 + v.imag**2).sum((1, 2, 3), keepdim=True).sqrt()
