"""Channels from paths: h = sum_l gain_l exp(j (phase_l - 2 pi f tau_l)) a(theta_l)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from torch import Tensor

    from sim.world.path_table import PathTable

_STRIDE = 8  # antennas
_GROUP = 8  # users


@dataclass(frozen=True, eq=False)
class PathPhasors:
    """What the channel kernel needs of a path table, per carrier: path coefficients and phase steps between antennas.

    coefficient, step: (2, N, P) complex128
    """

    coefficient: np.ndarray
    step: np.ndarray

    @classmethod
    def of(cls, table: PathTable, spacing_wavelengths: Sequence[float], link_loss_db: float = 0.0) -> PathPhasors:
        """Phasors for an element spacing given in wavelengths of each carrier, with `link_loss_db` taken off every path."""
        carriers = np.asarray(table.carriers_hz)[:, None, None]
        spacing = np.asarray(spacing_wavelengths, float)[:, None, None]
        used = table.gain_db > -np.inf
        gain = 10 ** ((np.where(used, table.gain_db, -np.inf) - link_loss_db) / 20)
        phase = np.where(used, table.phase_rad, 0.0) - 2 * np.pi * np.where(used, carriers * table.delay_s, 0.0)
        return cls(gain * np.exp(1j * phase), np.exp(2j * np.pi * spacing * np.where(used, table.cosine, 0.0)))


def place_channels(phasors: PathPhasors, rows: np.ndarray, antennas: int, carrier: int) -> np.ndarray:
    """(..., M) complex64 for the table rows in `rows` (...) on carrier 0 or 1. Source: Ma et al. 2021, eq. 1-2."""
    users = rows.reshape(1, -1)
    h = np.empty((*users.shape, antennas), np.complex64)
    _synthesize(phasors.coefficient[carrier], phasors.step[carrier], users, False, h)
    return h.reshape(*rows.shape, antennas)


def uplink_channels(phasors: PathPhasors, users: np.ndarray, antennas: int) -> np.ndarray:
    """h_ul (B, M, K) complex64 for the table rows in `users` (B, K); column k is user k. Source: Ma et al. 2021, eq. 1-2."""
    h = np.empty((len(users), antennas, users.shape[1]), np.complex64)
    _synthesize(phasors.coefficient[0], phasors.step[0], users, False, h.swapaxes(1, 2))
    return h


def downlink_channels(phasors: PathPhasors, users: np.ndarray, antennas: int) -> np.ndarray:
    """h_dl (B, K, M) complex64 for the table rows in `users` (B, K); row k is h_DL,k^H. Source: Ma et al. 2021, eq. 1-2."""
    h = np.empty((len(users), users.shape[1], antennas), np.complex64)
    _synthesize(phasors.coefficient[1], phasors.step[1], users, True, h)
    return h


def channels_torch(coefficient: Tensor, step: Tensor, antennas: int) -> Tensor:
    """(..., M) complex64: twin of the kernel for tensors coefficient, step (..., P) complex, which are rows of one carrier."""
    import torch

    powers, stride = torch.ones_like(step)[..., None], step[..., None]
    for _ in range(math.ceil(math.log2(antennas))):
        powers, stride = torch.cat([powers, powers * stride], dim=-1), stride * stride
    return (coefficient[..., None, :] @ powers[..., :antennas])[..., 0, :]


@njit(cache=True, nogil=True)
def _synthesize(coefficient: np.ndarray, step: np.ndarray, users: np.ndarray, conjugate: bool, h: np.ndarray) -> None:
    """Write h (B, K, M). The innermost loop is over a group of users and the first antennas of each; a turn brings it to the next ones."""
    blocks, n_users, antennas = h.shape
    paths, count = coefficient.shape[1], blocks * n_users
    strides = (antennas + _STRIDE - 1) // _STRIDE
    re, im = np.empty((strides, _GROUP * _STRIDE)), np.empty((strides, _GROUP * _STRIDE))
    z_re, z_im = np.empty(_GROUP * _STRIDE), np.empty(_GROUP * _STRIDE)
    turn_re, turn_im = np.empty(_GROUP * _STRIDE), np.empty(_GROUP * _STRIDE)
    sign = -1.0 if conjugate else 1.0
    for first in range(0, count, _GROUP):
        size = min(_GROUP, count - first)
        re[:] = 0.0
        im[:] = 0.0
        for p in range(paths):
            for user in range(size):
                row = users[(first + user) // n_users, (first + user) % n_users]
                z, s = coefficient[row, p], step[row, p]
                turn = s
                for _ in range(3):
                    turn *= turn
                for n in range(user * _STRIDE, (user + 1) * _STRIDE):
                    z_re[n], z_im[n] = z.real, z.imag
                    turn_re[n], turn_im[n] = turn.real, turn.imag
                    z *= s
            for m in range(strides):
                for n in range(size * _STRIDE):
                    re[m, n] += z_re[n]
                    im[m, n] += z_im[n]
                    turned = z_re[n] * turn_re[n] - z_im[n] * turn_im[n]
                    z_im[n] = z_re[n] * turn_im[n] + z_im[n] * turn_re[n]
                    z_re[n] = turned
        for user in range(size):
            b, k = (first + user) // n_users, (first + user) % n_users
            for m in range(antennas):
                n = user * _STRIDE + m % _STRIDE
                h[b, k, m] = complex(re[m // _STRIDE, n], sign * im[m // _STRIDE, n])
