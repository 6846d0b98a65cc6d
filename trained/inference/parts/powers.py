"""Rounds of messages between users that give their powers: the CPU twin of trained/networks/parts/powers.py."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from trained.inference.parts.dense import Layer, dense, layer, stacked


class PowerLayers(NamedTuple):
    """The layers of `PowerRounds`; all but `start` have an axis for the rounds in front."""

    start: Layer
    look: Layer
    look_again: Layer
    update: Layer
    update_again: Layer
    change: np.ndarray
    change_bias: np.ndarray


def power_layers(tensors: dict[str, np.ndarray], rounds: int) -> PowerLayers:
    """The layers out of the tensors of the network, by their names "powers. ..."."""

    def each(name: str) -> Layer:
        names = [f"powers.rounds.{n}.{name}" for n in range(rounds)]
        return stacked([layer(tensors[f"{n}.weight"], tensors[f"{n}.bias"]) for n in names])

    return PowerLayers(
        layer(tensors["powers.start.0.weight"], tensors["powers.start.0.bias"]),
        *(each(name) for name in ("look.0", "look.2", "update.0", "update.2")),
        np.stack([tensors[f"powers.rounds.{n}.out.weight"] for n in range(rounds)]).astype(np.float32),
        np.stack([tensors[f"powers.rounds.{n}.out.bias"] for n in range(rounds)]).astype(np.float32),
    )


def power_shapes(hidden: int, rounds: int, side: int) -> dict[str, tuple[int, ...]]:
    """{name: shape} of the tensors of a `PowerRounds` of that size."""
    sizes = {"powers.start.0": (hidden, 2 + side)}
    for n in range(rounds):
        one = {"look.0": (hidden, hidden + 6), "look.2": (hidden, hidden), "update.0": (hidden, 4 * hidden), "update.2": (hidden, hidden)}
        sizes |= {f"powers.rounds.{n}.{name}": size for name, size in {**one, "out": (2, hidden)}.items()}
    return {f"{name}.weight": size for name, size in sizes.items()} | {f"{name}.bias": size[:1] for name, size in sizes.items()}


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def power_rounds(rows, blocks, users, antennas, facts, layers, floor, power, noise_power, p, q):
    """Write p and q (blocks, users), mW, for channels in `rows` (blocks * users or more, 2 antennas or more), real parts before imaginary.

    Any unitary transform of all rows gives the same. facts: (rows, side) what is known of each user besides; floor: least share of an
    equal power. power, noise_power: mW.
    """
    count, hidden = blocks * users, layers.change.shape[2]
    padded = len(rows)
    width = layers.start.bias.shape[0]
    z, z1, z2 = np.zeros((padded, width), np.float32), np.zeros((padded, width), np.float32), np.zeros((padded, width), np.float32)
    first = np.zeros((padded, 2 + facts.shape[1]), np.float32)
    seen, wide = np.zeros((padded, hidden + 6), np.float32), np.zeros((padded, 4 * hidden), np.float32)
    gram = np.empty((blocks, users, users), np.complex128)
    heard = np.empty((blocks, users, users))
    gain, logit, level = np.empty(count), np.zeros(count), np.zeros(count)
    x, shares, root = np.empty((users, users), np.complex128), np.empty(users), np.empty(users)
    for b in range(blocks):
        _gram(rows[b * users : (b + 1) * users], antennas, power / (users * noise_power), gram[b])
        for k in range(users):
            n = b * users + k
            gain[n] = math.log(max(gram[b, k, k].real, 1e-12))
            first[n, 0], first[n, 1] = gain[n] / 4, math.log(users)
            first[n, 2:] = facts[n]
    dense(first, layers.start.weight, layers.start.bias, True, z)
    for step in range(len(layers.change)):
        for b in range(blocks):
            begin, end = b * users, (b + 1) * users
            _shares(logit[begin:end], floor, shares)
            _received(gram[b], shares, level[begin:end], root, x, heard[b])
            for k in range(users):
                n, suffered, caused = begin + k, 0.0, 0.0
                for j in range(users):
                    if j != k:
                        suffered += heard[b, k, j]
                        caused += heard[b, j, k]
                seen[n, :hidden] = z[n, :hidden]
                seen[n, hidden] = gain[n] / 4
                seen[n, hidden + 1] = math.log1p(heard[b, k, k]) / 4
                seen[n, hidden + 2] = math.log1p(suffered) / 2
                seen[n, hidden + 3] = math.log1p(caused) / 2
                seen[n, hidden + 4] = logit[n] / 2
                seen[n, hidden + 5] = level[n] / 2
        dense(seen, layers.look.weight[step], layers.look.bias[step], True, z1)
        dense(z1, layers.look_again.weight[step], layers.look_again.bias[step], True, z)
        for b in range(blocks):
            _messages(z[b * users : (b + 1) * users], heard[b], hidden, wide[b * users : (b + 1) * users])
        dense(wide, layers.update.weight[step], layers.update.bias[step], True, z1)
        dense(z1, layers.update_again.weight[step], layers.update_again.bias[step], True, z2)
        for n in range(count):
            change, rise = layers.change_bias[step, 0], layers.change_bias[step, 1]
            for d in range(hidden):
                z[n, d] += z2[n, d]
                change += layers.change[step, 0, d] * z[n, d]
                rise += layers.change[step, 1, d] * z[n, d]
            logit[n] += change
            level[n] = min(max(level[n] + rise, -8.0), 8.0)
    for b in range(blocks):
        _shares(logit[b * users : (b + 1) * users], floor, shares)
        for k in range(users):
            p[b, k] = power * shares[k] / users
            q[b, k] = power / users * math.exp(level[b * users + k])


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _gram(rows, antennas, scale, gram):
    """scale H^H H of the users in rows."""
    for i in range(len(rows)):
        for j in range(i + 1):
            re, im = np.float32(0.0), np.float32(0.0)
            for m in range(antennas):
                re += rows[i, m] * rows[j, m] + rows[i, antennas + m] * rows[j, antennas + m]
                im += rows[i, m] * rows[j, antennas + m] - rows[i, antennas + m] * rows[j, m]
            gram[i, j] = complex(scale * re, scale * im)
            gram[j, i] = gram[i, j].conjugate()
        gram[i, i] = gram[i, i].real


@njit(cache=True, nogil=True)
def _shares(logit, floor, shares):
    """Powers relative to equal ones."""
    users, largest, total = len(logit), logit.max(), 0.0
    for k in range(users):
        shares[k] = math.exp(logit[k] - largest)
        total += shares[k]
    for k in range(users):
        shares[k] = users * (1 - floor) * shares[k] / total + floor


@njit(cache=True, nogil=True, fastmath={"contract"})
def _received(gram, p, level, root, x, heard):
    """Write what user k hears of stream j over the noise, (K, K), with relative powers p and q = exp(level)."""
    users = len(gram)
    for k in range(users):
        root[k] = math.exp(level[k] / 2)
    for i in range(users):
        for j in range(users):
            x[i, j] = root[i] * gram[i, j] * root[j]
        x[i, i] += 1.0
    _invert(x)
    for j in range(users):
        norm = 0.0
        for i in range(users):
            # G R (I + R G R)^-1 = R^-1 (I - (I + R G R)^-1), R = diag(root)
            hears = ((1.0 if i == j else 0.0) - x[i, j]) / root[i]
            norm += root[i] * (x[i, j].real * hears.real + x[i, j].imag * hears.imag)
            heard[i, j] = hears.real * hears.real + hears.imag * hears.imag
        for i in range(users):
            heard[i, j] *= p[j] / max(norm, 1e-20)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _invert(a):
    """Replace I + a positive semidefinite matrix by its inverse; a pivot that rounding has pushed below 1 counts as 1."""
    size = len(a)
    for k in range(size):
        d = 1.0 / max(a[k, k].real, 1.0)
        a[k, k] = 1.0
        for j in range(size):
            a[k, j] *= d
        for i in range(size):
            if i != k:
                factor = a[i, k]
                a[i, k] = 0.0
                for j in range(size):
                    a[i, j] -= factor * a[k, j]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _messages(z, heard, hidden, wide):
    """Write each user's own state, what the others' do to it, what it does to theirs, and their mean side by side."""
    users = len(heard)
    wide[:] = np.float32(0.0)
    for k in range(users):
        suffered, caused = 0.0, 0.0
        for j in range(users):
            if j != k:
                suffered += heard[k, j]
                caused += heard[j, k]
        for j in range(users):
            from_j, to_j = np.float32(heard[k, j] / (1 + suffered)), np.float32(heard[j, k] / (1 + caused))
            if j == k:
                from_j = to_j = np.float32(0.0)
            for d in range(hidden):
                wide[k, hidden + d] += from_j * z[j, d]
                wide[k, 2 * hidden + d] += to_j * z[j, d]
        for d in range(hidden):
            wide[k, d] = z[k, d]
            wide[0, 3 * hidden + d] += z[k, d] / np.float32(users)
    for k in range(1, users):
        wide[k, 3 * hidden :] = wide[0, 3 * hidden :]
