"""WMMSE unrolled into a few layers with learned approximations of its inverses (IAIDNN)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from trained.networks.parts.last_step import exact_precoder, normalized, received
from trained.networks.parts.perfect_precoder import PerfectPrecoder


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


class Unfolding(PerfectPrecoder):
    """Layers of WMMSE whose three inverses are approximated by `InverseOf`; the last precoder is exact.

    For `users` users or fewer with known channels; antennas M, user_antennas N, streams d <= N of each user. Starts at zero forcing onto
    each user's first d antennas; no layer inverts a matrix or forms an M x M product.
    Source: Hu, Cai, Shi, Xu, Yu, Ding, "Iterative algorithm induced deep-unfolding neural networks", eq. 15-17.
    """

    def __init__(self, antennas: int, users: int, user_antennas: int = 1, streams: int = 1, layers: int = 7):
        super().__init__()
        self.users, self.streams = users, streams
        self.receive = nn.ModuleList(InverseOf(users, user_antennas, streams) for _ in range(layers))
        self.weigh = nn.ModuleList(InverseOf(users, streams) for _ in range(layers))
        self.transmit = nn.ModuleList(InverseOf(users, antennas, streams) for _ in range(layers - 1))

    def serves(self, users):
        return users <= self.users

    def precoders(self, h: Tensor) -> Tensor:
        """V (B, K, M, d) of power 1 for channels h (B, K, N, M) in units in which power and noise are 1."""
        if not self.serves(h.shape[1]):
            raise ValueError(f"users={h.shape[1]}: these weights are for {self.users} users at most")
        v = zero_forcing_start(h, self.streams)
        for layer in range(len(self.receive)):
            u, w = self.auxiliaries(layer, h, v)
            v = exact_precoder(h, u, w) if layer == len(self.transmit) else normalized(self.next_precoder(layer, h, u, w))
        return v

    def auxiliaries(self, layer: int, h: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """U (B, K, N, d) and W (B, K, d, d) of a layer, eq. 15a and 15b."""
        users, receive, weigh = h.shape[1], inverse_of(self.receive, layer), inverse_of(self.weigh, layer)
        a, own = received(h, v)
        x, y, z = receive.products(own)
        u = x / _diagonal(a) + a @ y + z + receive.offsets(users)
        e = torch.eye(self.streams, dtype=h.dtype, device=h.device) - u.mH @ own
        x, y, z = torch.view_as_complex(weigh.xyz)[:, :users]
        return u, x / _diagonal(e) + e @ y / weigh.unit**2 + z / weigh.unit

    def next_precoder(self, layer: int, h: Tensor, u: Tensor, w: Tensor) -> Tensor:
        """V (B, K, M, d) of a layer before it is scaled, eq. 15c."""
        transmit = inverse_of(self.transmit, layer)
        b_times, diagonal, fw = transmitted(h, u, w)
        x, y, z = transmit.products(fw)
        return x / diagonal + b_times(y) + z + transmit.offsets(h.shape[1])

    @torch.no_grad()
    def start_from(self, h: Tensor, image: Tensor | None = None) -> None:
        """Layer after layer the multiples of I that follow WMMSE best on channels h (B, K, N, M)."""
        v = zero_forcing_start(h, self.streams)
        for layer in range(len(self.receive)):
            receive, weigh = inverse_of(self.receive, layer), inverse_of(self.weigh, layer)
            a, own = received(h, v)
            receive.start_from(a.diagonal(dim1=-2, dim2=-1), lambda b, a=a: a @ b, own, torch.linalg.solve(a, own))
            u, _ = self.auxiliaries(layer, h, v)
            one = torch.eye(self.streams, dtype=h.dtype, device=h.device)
            e = one - u.mH @ own
            weigh.start_from(e.diagonal(dim1=-2, dim2=-1), lambda b, e=e: e @ b, one.expand(e.shape), torch.linalg.inv(e))
            u, w = self.auxiliaries(layer, h, v)
            if layer < len(self.transmit):
                b_times, diagonal, fw = transmitted(h, u, w)
                exact = exact_precoder(h, u, w, scaled=False)
                inverse_of(self.transmit, layer).start_from(diagonal[..., 0], b_times, fw, exact)
                v = normalized(self.next_precoder(layer, h, u, w))

    @torch.no_grad()
    def start_at_zero_forcing(self) -> None:
        """Let the last layer give equal U and W for all users, whatever came before: its precoder is then regularised zero forcing."""
        receive, weigh = inverse_of(self.receive, -1), inverse_of(self.weigh, -1)
        for inverse in (receive, weigh):
            inverse.xyz.zero_()
        cast(Tensor, receive.offset)[..., 0] = torch.eye(receive.xyz.shape[2], self.streams)
        weigh.xyz[2, ..., 0] = torch.eye(self.streams) * weigh.unit


def inverse_of(modules: nn.ModuleList, layer: int) -> InverseOf:
    """The approximated inverse of a layer."""
    return cast(InverseOf, modules[layer])


def transmitted(h: Tensor, u: Tensor, w: Tensor):
    """(b -> B b, diagonal of B (B, 1, M, 1), H_k^H U_k W_k (B, K, M, d)) for the B (M, M) of eq. 16b, which is never formed."""
    f = h.mH @ u
    fw = f @ w
    c = (u @ w @ u.mH).diagonal(dim1=-2, dim2=-1).sum((1, 2))[:, None, None]
    left, right = fw.transpose(1, 2).flatten(2), f.transpose(1, 2).flatten(2).mH

    def b_times(b):
        side = b.transpose(1, 2).flatten(2)
        made = c * side + left @ (right @ side)
        return made.unflatten(2, b.shape[1::2]).transpose(1, 2)

    return b_times, (c + (left * right.mT).sum(2, keepdim=True))[:, None], fw


def zero_forcing_start(h: Tensor, streams: int) -> Tensor:
    """V (B, K, M, d) of power 1: regularised zero forcing onto each user's first d antennas."""
    rows = h[:, :, :streams].flatten(1, 2)
    precise = rows.to(torch.complex128)
    gram = precise @ precise.mH
    regular = gram + torch.eye(gram.shape[-1], device=h.device) * gram.shape[-1]
    v = torch.linalg.solve(regular, precise).mH.to(h.dtype)
    return normalized(v.unflatten(2, (h.shape[1], streams)).transpose(1, 2))


def _diagonal(a):
    return a.diagonal(dim1=-2, dim2=-1)[..., None]
