"""Gradients of the unfolded network in closed form, by its generalized chain rule, in place of automatic differentiation."""

from __future__ import annotations

import torch
from torch import Tensor

from sim.rate import effective_channel, sum_rate_torch
from trained.networks.parts.inverse import InverseOf, inverse_of
from trained.networks.parts.last_step import exact_precoder, normalized, received
from trained.networks.unfolding import Unfolding, zero_forcing_start


def closed_form_gradients(network: Unfolding, h: Tensor) -> dict[str, Tensor]:
    """Gradient of the mean sum rate on channels h (B, K, N, M) by parameter name; every user of the network has to be in h.

    G of a matrix X is such that the rate changes by Re tr(G dX), of which `backward` holds the adjoint. The gradients of the last U and W
    are those of the exact last step, from there on everything is written out. Power and noise are 1 in h.
    Source: Hu et al., eq. 19 and 29-32.
    """
    with torch.no_grad():
        states, v = [], zero_forcing_start(h, network.streams)
        for layer in range(len(network.receive)):
            u, w = network.auxiliaries(layer, h, v)
            before = network.next_precoder(layer, h, u, w) if layer < len(network.transmit) else None
            states.append((v, u, w, before))
            v = v if before is None else normalized(before)
    _, u, w, _ = states[-1]
    u, w = u.clone().requires_grad_(), w.clone().requires_grad_()
    g_u, g_w = (g.mH for g in torch.autograd.grad(sum_rate_torch(effective_channel(h, exact_precoder(h, u, w)), 1.0).mean(), (u, w)))
    gradients: dict[str, Tensor] = {}
    with torch.no_grad():
        g_v = None
        for layer in reversed(range(len(states))):
            v, u, w, before = states[layer]
            if g_v is not None and before is not None:
                g_u, g_w = _through_transmit(inverse_of(network.transmit, layer), f"transmit.{layer}", h, u, w, before, g_v, gradients)
            g_u, g_e = _through_weigh(inverse_of(network.weigh, layer), f"weigh.{layer}", h, v, u, g_u, g_w, gradients)
            g_v = _through_receive(inverse_of(network.receive, layer), f"receive.{layer}", h, v, u, g_u, g_e, gradients)
    return gradients


def _through_transmit(inverse: InverseOf, name, h, u, w, before, g_v, gradients):
    """G of U and W from that of the scaled V, eq. 32, 29 and 30b."""
    s = (before.real**2 + before.imag**2).sum((1, 2, 3), keepdim=True).rsqrt()
    along = (g_v @ before).diagonal(dim1=-2, dim2=-1).sum((1, 2)).real[:, None, None, None]
    g = s * g_v - s**3 * along * before.mH
    x, y, z = _matrices(inverse)
    f = h.mH @ u
    trace = _trace(u @ w @ u.mH).sum(1)
    b = (trace[:, None, None] * _identity(h.shape[3], h) + (f @ w @ f.mH).sum(1))[:, None]
    fw = f @ w
    m = (_plus(b) @ x + b @ y + z) @ h.mH
    q = (_masked(x @ fw @ g, b) + y @ fw @ g).sum(1, keepdim=True)
    t = _trace(q)[..., None, None]
    g_w = t * u.mH @ u + f.mH @ q @ f + g @ m @ u
    g_u = (
        w @ u.mH @ (t * _identity(h.shape[2], h) + h @ q @ h.mH)
        + w.mH @ u.mH @ (t.conj() * _identity(h.shape[2], h) + h @ q.mH @ h.mH)
        + w @ g @ m
    )
    _keep(gradients, name, inverse, fw @ g, b)
    gradients[f"{name}.offset"] = torch.view_as_real(g.mH.sum(0).resolve_conj().contiguous())
    return g_u, g_w


def _through_weigh(inverse: InverseOf, name, h, v, u, g_u, g_w, gradients):
    """G of U with what comes through E added, and G of E, eq. 30b and 31."""
    _, own = received(h, v)
    e = _identity(v.shape[3], h) - u.mH @ own
    x, y, _ = _matrices(inverse)
    g_e = _masked(x @ g_w, e) + y @ g_w
    _keep(gradients, name, inverse, g_w, e)
    return g_u - g_e.mH @ own.mH, g_e


def _through_receive(inverse: InverseOf, name, h, v, u, g_u, g_e, gradients):
    """G of the scaled V of the layer before, eq. 30a."""
    a, own = received(h, v)
    x, y, z = _matrices(inverse)
    n = _masked(x @ own @ g_u, a) + y @ own @ g_u
    n = n + n.mH
    _keep(gradients, name, inverse, own @ g_u, a)
    gradients[f"{name}.offset"] = torch.view_as_real(g_u.mH.sum(0).resolve_conj().contiguous())
    spread = _trace(n).sum(1)[:, None, None] * _identity(h.shape[3], h) + (h.mH @ n @ h).sum(1)
    return -g_e @ u.mH @ h + g_u @ (_plus(a) @ x + a @ y + z) @ h + v.mH @ spread[:, None]


def _keep(gradients, name, inverse, product, a):
    """Eq. 19: G of X, Y and Z is the product times A^+, A and I; stored as `backward` would, in the parameters' units."""
    units = (1.0, inverse.unit**2, inverse.unit)
    made = [(g / unit).mH.sum(0) for g, unit in zip((product @ _plus(a), product @ a, product), units, strict=True)]
    gradients[f"{name}.xyz"] = torch.view_as_real(torch.stack(made).resolve_conj().contiguous())


def _matrices(inverse):
    x, y, z = torch.view_as_complex(inverse.xyz)
    return x, y / inverse.unit**2, z / inverse.unit


def _plus(a):
    return torch.diag_embed(1 / a.diagonal(dim1=-2, dim2=-1))


def _masked(product, a):
    """The product with only its diagonal kept, times that of -(A^+ o A^+)."""
    return torch.diag_embed(-product.diagonal(dim1=-2, dim2=-1) / a.diagonal(dim1=-2, dim2=-1) ** 2)


def _trace(a):
    return a.diagonal(dim1=-2, dim2=-1).sum(-1)


def _identity(size, like):
    return torch.eye(size, dtype=like.dtype, device=like.device)
