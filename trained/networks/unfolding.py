"""WMMSE unrolled into a few layers with learned approximations of its inverses (IAIDNN)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from trained.networks import Size, network
from trained.networks.parts.black_box import FIXED
from trained.networks.parts.inverse import InverseOf, inverse_of
from trained.networks.parts.last_step import exact_precoder, normalized, received
from trained.networks.parts.perfect_precoder import PerfectPrecoder
from trained.networks.parts.places import typical_links


@network("unfolding", title="deep unfolding, perfect CSI")
class Unfolding(PerfectPrecoder):
    """Layers of WMMSE whose three inverses are approximated by `InverseOf`; the last precoder is exact.

    For as many users as its size has, or fewer, with known channels. Starts at zero forcing onto each user's first d antennas; no layer
    inverts a matrix or forms an M x M product.
    Source: Hu, Cai, Shi, Xu, Yu, Ding, "Iterative algorithm induced deep-unfolding neural networks", eq. 15-17.
    """

    recipe = FIXED

    @dataclass(frozen=True)
    class Config:
        """How it is made and where it starts.

        layers  of WMMSE
        begin   "wmmse": at layers that follow WMMSE as well as multiples of I can; "rzf": at regularised zero forcing
        """

        layers: int = 7
        begin: Literal["wmmse", "rzf"] = "wmmse"

        def __post_init__(self):
            if self.layers < 1:
                raise ValueError(f"layers={self.layers} has to be at least 1")
            if self.begin not in ("wmmse", "rzf"):
                raise ValueError(f"begin={self.begin!r} is not one of wmmse, rzf")

    def __init__(self, size: Size, config: Any = None):
        super().__init__(size, config)
        users, n, d, layers = size.max_users, size.user_antennas, size.streams, self.config.layers
        self.users, self.streams = users, d
        self.receive = nn.ModuleList(InverseOf(users, n, d) for _ in range(layers))
        self.weigh = nn.ModuleList(InverseOf(users, d) for _ in range(layers))
        self.transmit = nn.ModuleList(InverseOf(users, size.antennas, d) for _ in range(layers - 1))

    def start(self, scenario, generator):
        self.start_from(typical_links(scenario))
        if self.config.begin == "rzf":
            self.start_at_zero_forcing()

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
    def start_from(self, h: Tensor) -> None:
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
