"""Evidence of the cells in each user's likeliest regions: the Numba twin of what the mixture computes on a GPU."""

from __future__ import annotations

import math

import numpy as np
import torch
from numba import njit
from torch import Tensor


@torch.no_grad()
def routed_evidence(cells, y: Tensor, noise: Tensor, route: Tensor) -> Tensor:
    """(..., routes, cells) log evidence, up to a constant, of the cells in regions `route` (..., routes) for y (..., M).

    cells: LowRankGaussians with components (regions, cells); noise (...): noise power per entry of y.
    """
    if y.device.type != "cpu":
        return cells(y, noise, route)[0]
    evidence = np.empty((*route.shape, cells.log_rest.shape[1]), np.float32)
    flat = y.flatten(0, -2).resolve_conj()
    rows, turned = (torch.view_as_real(x.contiguous()).flatten(-2).numpy() for x in (flat, -1j * flat))
    power, rest = cells.log_power.exp().numpy(), cells.log_rest.exp().numpy()
    _evidence_kernel(
        rows,
        turned,
        noise.flatten().contiguous().numpy(),
        route.flatten(0, -2).contiguous().numpy(),
        cells.keys.detach().flatten(-2).numpy(),
        power,
        rest,
        cells.log_share.detach().numpy(),
        evidence.reshape(len(flat), route.shape[-1], -1),
    )
    return torch.from_numpy(evidence)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _evidence_kernel(y, turned, noise, route, keys, power, rest, share, evidence):
    users, width = y.shape
    _, cells, rank = power.shape
    for n in range(users):
        energy = np.float32(0.0)
        for i in range(width):
            energy += y[n, i] * y[n, i]
        for t in range(route.shape[1]):
            r = route[n, t]
            for c in range(cells):
                floor = np.float64(noise[n]) + rest[r, c]
                explained = -np.float64(energy)
                spread = 0.5 * width * math.log(floor)
                for k in range(rank):
                    re, im = np.float32(0.0), np.float32(0.0)
                    for i in range(width):
                        re += keys[r, c, k, i] * y[n, i]
                        im += keys[r, c, k, i] * turned[n, i]
                    explained += (np.float64(re) * re + np.float64(im) * im) * power[r, c, k] / (power[r, c, k] + floor)
                    spread += math.log1p(power[r, c, k] / floor)
                evidence[n, t, c] = explained / floor - spread + share[r, c]
