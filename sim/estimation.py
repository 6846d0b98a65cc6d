"""Uplink channel estimators that are linear in the received pilots, H = Y A with a fixed matrix A (L, K)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.checks import positive

if TYPE_CHECKING:
    from torch import Tensor


def least_squares_matrix(pilots: np.ndarray) -> np.ndarray:
    """X^H (X X^H)^-1, (L, K) complex64, for pilots X (K, L) with L >= K.

    Raises ValueError where X X^H is singular. Source: Ma et al. 2021, Table I.
    """
    users, length = _shape(pilots)
    if length < users:
        raise ValueError(
            f"users={users} needs at least {users} pilot symbols for least squares, got pilots={length}; "
            "send more pilots or use a scaled or LMMSE estimator"
        )
    x = pilots.astype(complex)
    if np.linalg.matrix_rank(x) < users:
        raise ValueError(
            f"the pilots of {users} users are linearly dependent (rank {np.linalg.matrix_rank(x)}), so that "
            "X X^H cannot be inverted; give every user its own sequence"
        )
    return np.linalg.pinv(x).astype(np.complex64)


def least_squares_matrix_torch(pilots: Tensor) -> Tensor:
    """Differentiable twin of `least_squares_matrix` for a complex tensor X (K, L)."""
    import torch

    return torch.linalg.solve(pilots @ pilots.mH, pilots).mH


def scaled_least_squares_matrix(pilots: np.ndarray, channel_power: float, noise_power: float) -> np.ndarray:
    """gamma X^+, (L, K) complex64, with the gamma that minimises the mean square error of Y gamma X^+.

    pilots: (K, L), any L; X^+ is the pseudo-inverse, equal to the least-squares matrix where L >= K.
    channel_power: E|h|^2 of one entry; noise_power: E|n|^2 of one entry. Source: Biguesh and Gershman, "Training-based
    MIMO channel estimation", IEEE Trans. Signal Process. 2006 (L >= K); the same derivation on the span of
    the pilots gives L < K.
    """
    _shape(pilots)
    positive("channel_power", channel_power)
    inverse = np.linalg.pinv(pilots.astype(complex))
    signal = channel_power * np.linalg.matrix_rank(pilots)
    noise = noise_power * np.sum(np.abs(inverse) ** 2)
    return (inverse * signal / (signal + noise)).astype(np.complex64)


def lmmse_matrix(pilots: np.ndarray, covariance: np.ndarray, antennas: int, noise_power: float) -> np.ndarray:
    """R = (X^H Q X + M sigma^2 I)^-1 X^H Q, (L, K) complex64.

    pilots: X (K, L), any L; covariance: Q = E[dH^H dH] (K, K) of the channel about its mean; noise_power: sigma^2.
    Source: Zhang et al., eq. 15, with X and X^H placed as the derivation of eq. 46 needs them.
    """
    users, length = _shape(pilots)
    if covariance.shape != (users, users):
        raise ValueError(f"covariance has shape {covariance.shape}, the pilots are for {users} users: expected ({users}, {users})")
    positive("noise_power", noise_power)
    x = pilots.astype(complex)
    xq = x.conj().T @ covariance
    return np.linalg.solve(xq @ x + antennas * noise_power * np.eye(length), xq).astype(np.complex64)


def estimate(y: np.ndarray, matrix: np.ndarray, mean: np.ndarray | None = None, pilots: np.ndarray | None = None) -> np.ndarray:
    """h_est (B, M, K) complex64 = mean + (Y - mean X) A for received pilots y (B, M, L) and an estimator matrix A (L, K).

    mean: (M, K) expected channel, zero by default; with it give the pilots X (K, L). Source: Zhang et al., eq. 17.
    """
    if mean is None:
        return y @ matrix
    if pilots is None:
        raise ValueError("a mean channel needs the pilots that it was sent with: give pilots=")
    return mean + (y - mean @ pilots) @ matrix


def channel_statistics(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (M, K) and Q = E[dH^H dH] (K, K), both complex64, of sample channels h (B, M, K). Source: Zhang et al., eq. 17."""
    mean = h.mean(axis=0)
    deviation = h - mean
    return mean, (deviation.conj().swapaxes(1, 2) @ deviation).mean(axis=0)


def _shape(pilots: np.ndarray) -> tuple[int, int]:
    if pilots.ndim != 2:
        raise ValueError(f"pilots have shape {pilots.shape}, expected (users, symbols)")
    if not np.isfinite(pilots).all():
        raise ValueError("pilots hold a value that is not finite")
    return pilots.shape
