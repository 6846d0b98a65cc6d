"""A learned approximation of a matrix inverse, the part that unfolded WMMSE is made of."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class InverseOf(nn.Module):
    """(A^+ X + A Y + Z) b + O in place of A^-1 b, with trainable X, Y, Z (n, n), O (n, m) of each user; A^+ inverts the diagonal alone.

    Y and Z are stored in units of 1 / unit^2 and 1 / unit, as the expansion of A^-1 around unit * I has them. Source: Hu et al., eq. 15.
    """

    def __init__(self, users: int, size: int, offset: int = 0):
        super().__init__()
        self.xyz = nn.Parameter(torch.zeros(3, users, size, size, 2))
        self.offset = nn.Parameter(torch.zeros(users, size, offset, 2)) if offset else None
        self.unit: Tensor
        self.register_buffer("unit", torch.ones(()))

    def products(self, b: Tensor) -> Tensor:
        """X b, Y b and Z b (3, B, K, n, m) for b (B, K, n, m)."""
        blocks, users, size, columns = b.shape
        side = b.permute(1, 2, 0, 3).reshape(1, users, size, blocks * columns)
        made = torch.view_as_complex(self.xyz)[:, :users] @ side
        x, y, z = made.unflatten(-1, (blocks, columns)).permute(0, 3, 1, 2, 4)
        return torch.stack([x, y / self.unit**2, z / self.unit])

    def offsets(self, users: int) -> Tensor:
        """O (K, n, m)."""
        return torch.view_as_complex(self.offset)[:users] if self.offset is not None else torch.zeros(())

    @torch.no_grad()
    def start_from(self, diagonal: Tensor, a_times, b: Tensor, exact: Tensor) -> None:
        """Multiples of I for X, Y and Z that come closest to the `exact` A^-1 b in the mean; O stays 0."""
        self.unit.copy_(diagonal.real.mean())
        terms = [b / diagonal[..., None], a_times(b) / self.unit**2, b / self.unit]
        columns = torch.stack([torch.view_as_real(t.resolve_conj().contiguous()).flatten() for t in terms], 1).double()
        target = torch.view_as_real(exact.resolve_conj().contiguous()).flatten().double()
        found = torch.linalg.lstsq(columns, target[:, None]).solution[:, 0].float()
        self.xyz[..., 0] = found[:, None, None, None] * torch.eye(self.xyz.shape[2])


def inverse_of(modules: nn.ModuleList, layer: int) -> InverseOf:
    """The approximated inverse of a layer."""
    return cast(InverseOf, modules[layer])
