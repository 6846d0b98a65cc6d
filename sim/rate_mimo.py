"""Sum rate of users with several antennas; torch twin."""

import numpy as np

from sim.checks import positive


def sum_rate_mimo(h: np.ndarray, v: np.ndarray, noise_power: float) -> np.ndarray:
    """(B,) float64 sum over users of log2 det(I + H_k V_k V_k^H H_k^H (interference + noise)^-1), bit/s/Hz.

    h: (B, K, N, M); v: (B, K, M, d); noise_power: mW. Source: Hu et al., eq. 10.
    """
    positive("noise_power", noise_power)
    e = h.astype(complex)[:, :, None] @ v.astype(complex)[:, None]
    power = e @ e.conj().swapaxes(-1, -2)
    total = power.sum(2) + noise_power * np.eye(h.shape[2])
    own = np.stack([power[:, k, k] for k in range(h.shape[1])], 1)
    return ((np.linalg.slogdet(total)[1] - np.linalg.slogdet(total - own)[1]) / np.log(2)).sum(1)


def sum_rate_mimo_torch(h, v, noise_power):
    """Differentiable twin of `sum_rate_mimo` for complex tensors."""
    import torch

    users, antennas = h.shape[1:3]
    e = (h.flatten(1, 2) @ v.transpose(1, 2).flatten(2)).unflatten(1, (users, antennas))
    own = e.unflatten(3, (users, -1)).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
    total = e @ e.mH + noise_power * torch.eye(antennas, dtype=h.dtype, device=h.device)
    return ((torch.linalg.slogdet(total)[1] - torch.linalg.slogdet(total - own @ own.mH)[1]) / np.log(2)).sum(1)
