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

_LANES = 8


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
    blocks, n_users, antennas = h.shape
    paths = coefficient.shape[1]
    padded = (antennas + _LANES - 1) // _LANES * _LANES
    re, im = np.empty(padded), np.empty(padded)
    z_re, z_im = np.empty(_LANES), np.empty(_LANES)
    sign = -1.0 if conjugate else 1.0
    for b in range(blocks):
        for k in range(n_users):
            re[:] = 0.0
            im[:] = 0.0
            for p in range(paths):
                z = coefficient[users[b, k], p]
                if z == 0:
                    continue
                s = step[users[b, k], p]
                stride = s
                for _ in range(3):
                    stride *= stride
                for i in range(_LANES):
                    z_re[i], z_im[i] = z.real, z.imag
                    z *= s
                for m in range(0, padded, _LANES):
                    for i in range(_LANES):
                        re[m + i] += z_re[i]
                        im[m + i] += z_im[i]
                        turned = z_re[i] * stride.real - z_im[i] * stride.imag
                        z_im[i] = z_re[i] * stride.imag + z_im[i] * stride.real
                        z_re[i] = turned
            for m in range(antennas):
                h[b, k, m] = complex(re[m], sign * im[m])
