"""WMMSE precoding for users with several antennas: in the row space of the channels, and in the classic form."""

from __future__ import annotations

import numpy as np

from sim.checks import positive
from sim.gram import check_antennas
from sim.noise import Stream, complex_normal


def wmmse_mimo(
    h: np.ndarray,
    streams: int,
    power: float,
    noise_power: float,
    iterations: int = 100,
    weights: np.ndarray | None = None,
    seed: int | None = None,
) -> np.ndarray:
    """Precoders V (B, K, M, d) complex128 that locally maximise the weighted sum rate, with total power `power`.

    h: (B, K, N, M), downlink channel of each user's N antennas; streams: d <= N per user; powers: mW; weights: (K,), 1 by default. Works
    with (K N) x (K N) matrices only, whatever M. Starts from regularised zero forcing on each user's first d antennas, or with `seed` from
    random combinations of the rows, the same for every block: a start decides which local optimum is found. Raises ValueError
    for shapes and numbers that do not fit. Source: Zhao, Lu, Shi, Luo, "Rethinking WMMSE", arXiv 2205.06225.
    """
    h, alpha = _checked(h, streams, power, noise_power, iterations, weights)
    blocks, users, antennas, _ = h.shape
    rows = h.reshape(blocks, users * antennas, -1)
    g = rows @ _adjoint(rows)
    ratio = noise_power / power
    start = _start(g, users, antennas, streams, ratio)
    if seed is not None:
        same = complex_normal(seed, Stream.FIRST_FREE, range(1), start.shape[1:], 1.0).astype(complex)
        start = np.repeat(same, blocks, 0)
    x = _columns(start)
    for _ in range(iterations):
        heard = g[:, None] @ x
        consumed = (x.conj() * heard).real.sum((1, 2, 3))
        e = heard.reshape(blocks, users, users, antennas, streams).transpose(0, 2, 3, 1, 4)  # (B, K, N, J, d): block row k of G times X_j
        noise = (ratio * consumed)[:, None, None, None] * np.eye(antennas)
        own = np.stack([e[:, k, :, k] for k in range(users)], 1)
        e = e.reshape(blocks, users, antennas, users * streams)
        u = np.linalg.solve(e @ _adjoint(e) + noise, own)
        w_inverse = _identity_minus(_adjoint(u) @ own) / alpha[:, None, None]
        eta = ratio * _trace(u @ np.linalg.solve(w_inverse, _adjoint(u))).sum(-1)
        spread = _block_diagonal(u)
        inner = eta[:, None, None] * _block_diagonal(w_inverse) + _adjoint(spread) @ g @ spread
        x = _columns((spread @ np.linalg.inv(inner)).reshape(blocks, users * antennas, users, streams))
    v = _adjoint(rows)[:, None] @ x
    return v * np.sqrt(power / (np.abs(v) ** 2).sum((1, 2, 3), keepdims=True))


def wmmse_classic(
    h: np.ndarray, streams: int, power: float, noise_power: float, iterations: int = 100, weights: np.ndarray | None = None
) -> np.ndarray:
    """The same with an M x M inverse per bisection step on the power multiplier, as first published. Arguments as in `wmmse_mimo`.

    Source: Shi, Razaviyayn, Luo, He, IEEE Trans. Signal Process. 2011, Table I.
    """
    h, alpha = _checked(h, streams, power, noise_power, iterations, weights)
    blocks, users, antennas, m = h.shape
    rows = h.reshape(blocks, users * antennas, m)
    v = _adjoint(rows)[:, None] @ _columns(_start(rows @ _adjoint(rows), users, antennas, streams, noise_power / power))
    v *= np.sqrt(power / (np.abs(v) ** 2).sum((1, 2, 3), keepdims=True))
    for _ in range(iterations):
        e = h[:, :, None] @ v[:, None]
        own = np.stack([e[:, k, k] for k in range(users)], 1)
        u = np.linalg.solve((e @ _adjoint(e)).sum(2) + noise_power * np.eye(antennas), own)
        w = alpha[:, None, None] * np.linalg.inv(_identity_minus(_adjoint(u) @ own))
        heard = _adjoint(h) @ u
        v = _within_power((heard @ w @ _adjoint(heard)).sum(1), heard @ w, power)
    return v


def _checked(
    h: np.ndarray, streams: int, power: float, noise_power: float, iterations: int, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    positive("power", power)
    positive("noise_power", noise_power)
    if h.ndim != 4:
        raise ValueError(f"channels have shape {h.shape}, expected (blocks, users, antennas of a user, antennas)")
    users, antennas, m = h.shape[1:]
    if not 1 <= streams <= antennas:
        raise ValueError(f"streams={streams} of a user with {antennas} antennas; expected 1 ... {antennas}")
    if iterations < 0:
        raise ValueError(f"iterations={iterations} has to be at least 0")
    check_antennas(m, users, streams)
    alpha = np.ones(users) if weights is None else np.asarray(weights, float)
    if alpha.shape != (users,) or not np.all(alpha > 0):
        raise ValueError(f"weights={weights} have to be {users} positive numbers")
    return h.astype(complex), alpha


def _start(g: np.ndarray, users: int, antennas: int, streams: int, ratio: float) -> np.ndarray:
    """(B, K N, K, d): regularised zero forcing onto the first d antennas of every user."""
    size = users * antennas
    x = np.linalg.inv(g + size * ratio * np.eye(size))
    return x.reshape(-1, size, users, antennas)[..., :streams]


def _columns(x: np.ndarray) -> np.ndarray:
    """(B, K, K N, d): each user's columns of X (B, K N, K, d)."""
    return np.ascontiguousarray(x.transpose(0, 2, 1, 3))


def _within_power(a: np.ndarray, b: np.ndarray, power: float) -> np.ndarray:
    """(A + mu I)^-1 b (B, K, M, d) with the mu >= 0 that meets the power, by bisection on the eigenvalues of A (B, M, M)."""
    values, vectors = np.linalg.eigh(a)
    values = np.maximum(values, 0.0)
    turned = _adjoint(vectors)[:, None] @ b
    energy = (np.abs(turned) ** 2).sum((1, 3))
    low, high = np.zeros(len(a)), np.sqrt(energy.sum(1) / power)
    for _ in range(100):
        mu = (low + high) / 2
        above = (energy / (values + mu[:, None] + 1e-300) ** 2).sum(1) > power
        low, high = np.where(above, mu, low), np.where(above, high, mu)
    return vectors[:, None] @ (turned / (values + high[:, None])[:, None, :, None])


def _adjoint(a: np.ndarray) -> np.ndarray:
    return a.conj().swapaxes(-1, -2)


def _trace(a: np.ndarray) -> np.ndarray:
    return np.trace(a, axis1=-2, axis2=-1).real


def _identity_minus(a: np.ndarray) -> np.ndarray:
    return np.eye(a.shape[-1]) - a


def _block_diagonal(a: np.ndarray) -> np.ndarray:
    """(B, K n, K m) of (B, K, n, m)."""
    blocks, users, n, m = a.shape
    full = np.zeros((blocks, users, n, users, m), a.dtype)
    for k in range(users):
        full[:, k, :, k] = a[:, k]
    return full.reshape(blocks, users * n, users * m)
