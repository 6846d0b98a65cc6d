"""Rounds of messages between users that give their powers: the CPU twin of trained/networks/parts/powers.py."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from trained.inference.parts.dense import Layer, dense, layer, stacked
from trained.inference.parts.lanes import add_scaled, load, spread, store

_FACTS = 6


class PowerLayers(NamedTuple):
    """The layers of `PowerRounds`; all but `start` have an axis for the rounds in front.

    A user's row is [z, six facts, what others do to it, what it does to others, mean of all z], each but the facts as wide as the output of
    `start`; look takes the first two of them, update all.
    """

    start: Layer
    look: Layer
    look_again: Layer
    update: Layer
    update_again: Layer
    change: np.ndarray
    change_bias: np.ndarray


def power_layers(tensors: dict[str, np.ndarray], rounds: int) -> PowerLayers:
    """The layers out of the tensors of the network, by their names "powers. ..."."""
    start = layer(tensors["powers.start.0.weight"], tensors["powers.start.0.bias"])
    hidden, width = len(tensors["powers.start.0.bias"]), len(start.bias)
    z, facts = (0, hidden), (width, _FACTS)
    others = [(n * width + _FACTS, hidden) for n in (1, 2, 3)]

    def each(name: str, *parts: tuple[int, int]) -> Layer:
        names = [f"powers.rounds.{n}.{name}" for n in range(rounds)]
        return stacked([layer(_placed(tensors[f"{n}.weight"], parts), tensors[f"{n}.bias"]) for n in names])

    return PowerLayers(
        start,
        each("look.0", z, facts),
        each("look.2", z),
        each("update.0", z, *others),
        each("update.2", z),
        np.stack([tensors[f"powers.rounds.{n}.out.weight"] for n in range(rounds)]),
        np.stack([tensors[f"powers.rounds.{n}.out.bias"] for n in range(rounds)]),
    )


def _placed(weight, parts):
    """The columns of a weight, of the parts (start, length) in turn, where these start in a row."""
    placed = np.zeros((len(weight), max(start + length for start, length in parts)), np.float32)
    at = 0
    for start, length in parts:
        placed[:, start : start + length] = weight[:, at : at + length]
        at += length
    return placed


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
    count, hidden, width = blocks * users, layers.change.shape[2], len(layers.start.bias)
    first = np.zeros((len(rows), 2 + facts.shape[1]), np.float32)
    state = np.zeros((len(rows), 4 * width + 6), np.float32)
    once, twice = np.empty((len(rows), width), np.float32), np.empty((len(rows), width), np.float32)
    gram = np.empty((blocks, users, users), np.complex128)
    to_user, by_user = np.empty((blocks, users, users), np.float32), np.empty((blocks, users, users), np.float32)
    gain, logit, level = np.empty(count), np.zeros(count), np.zeros(count)
    x, heard, shares, root = np.empty((users, users), np.complex128), np.empty((users, users)), np.empty(users), np.empty(users)
    for b in range(blocks):
        _gram(rows[b * users : (b + 1) * users], antennas, power / (users * noise_power), gram[b])
        for k in range(users):
            n = b * users + k
            gain[n] = math.log(max(gram[b, k, k].real, 1e-12))
            first[n, 0], first[n, 1] = gain[n] / 4, math.log(users)
            first[n, 2:] = facts[n]
    dense(first, layers.start.weight, layers.start.bias, True, state)
    for step in range(len(layers.change)):
        for b in range(blocks):
            begin, end = b * users, (b + 1) * users
            _shares(logit[begin:end], floor, shares)
            _received(gram[b], shares, level[begin:end], root, x, heard)
            _couple(heard, to_user[b], by_user[b], state[begin:end, width:])
            for n in range(begin, end):
                state[n, width], state[n, width + 4], state[n, width + 5] = gain[n] / 4, logit[n] / 2, level[n] / 2
        dense(state, layers.look.weight[step], layers.look.bias[step], True, once)
        dense(once, layers.look_again.weight[step], layers.look_again.bias[step], True, state)
        for b in range(blocks):
            _messages(state, b * users, to_user[b], by_user[b], width)
        dense(state, layers.update.weight[step], layers.update.bias[step], True, once)
        dense(once, layers.update_again.weight[step], layers.update_again.bias[step], True, twice)
        for n in range(count):
            change, rise = layers.change_bias[step, 0], layers.change_bias[step, 1]
            for d in range(hidden):
                state[n, d] += twice[n, d]
                change += layers.change[step, 0, d] * state[n, d]
                rise += layers.change[step, 1, d] * state[n, d]
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


@njit(cache=True, nogil=True)
def _couple(heard, to_user, by_user, facts):
    """Write how strongly others act on user k (row k of to_user) and it on them (row k of by_user), and what it sees of that."""
    users = len(heard)
    for k in range(users):
        suffered, caused = 0.0, 0.0
        for j in range(users):
            if j != k:
                suffered += heard[k, j]
                caused += heard[j, k]
        for j in range(users):
            to_user[k, j], by_user[k, j] = heard[k, j] / (1 + suffered), heard[j, k] / (1 + caused)
        to_user[k, k] = by_user[k, k] = 0.0
        facts[k, 1], facts[k, 2], facts[k, 3] = math.log1p(heard[k, k]) / 4, math.log1p(suffered) / 2, math.log1p(caused) / 2


@njit(cache=True, nogil=True)
def _messages(state, begin, to_user, by_user, width):
    """Write into the rows of a block, from `begin` on, the sums of z that its users get from each other."""
    users, row, share = len(to_user), state.shape[1], np.float32(1 / len(to_user))
    for column in range(0, width, 16):
        mean = spread(np.float32(0.0))
        for j in range(users):
            mean = add_scaled(mean, share, load(state, (begin + j) * row + column))
        for k in range(users):
            to_k = by_k = spread(np.float32(0.0))
            for j in range(users):
                z = load(state, (begin + j) * row + column)
                to_k, by_k = add_scaled(to_k, to_user[k, j], z), add_scaled(by_k, by_user[k, j], z)
            at = (begin + k) * row + column + 6
            store(state, at + width, to_k)
            store(state, at + 2 * width, by_k)
            store(state, at + 3 * width, mean)
