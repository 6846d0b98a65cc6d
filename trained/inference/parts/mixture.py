"""Posterior mean under the mixture of places: the CPU twin of trained/networks/parts/mixture.py, for one noise power.

Rows hold one user each: the real parts of its M entries before the imaginary ones, or, where they are called pairs, each beside its
imaginary part.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from trained.inference.parts.lanes import LANES, add_scaled, add_square, load, spread, store


class Regions(NamedTuple):
    """What chooses regions. Sixteen of them lie side by side; those that fill the last sixteen up are never chosen.

    keys (tiles, rank, M, 2, 16): scaled so that the squares of what they find of y sum to what a region explains of it;
    per_energy (16 tiles): by what the energy of y is divided; constant (16 tiles): evidence of y = 0.
    """

    keys: np.ndarray
    per_energy: np.ndarray
    constant: np.ndarray


class Cells(NamedTuple):
    """What makes the answer: keys (regions, cells, rank, 2 M) in pairs, values of that shape; gain (regions, cells, rank), floor
    and constant (regions, cells) float64 as in `LowRankGaussians.forward`."""

    keys: np.ndarray
    values: np.ndarray
    gain: np.ndarray
    floor: np.ndarray
    constant: np.ndarray


def regions_at(keys: np.ndarray, logs: tuple[np.ndarray, ...], noise: float) -> Regions:
    """For keys (regions, rank, M) complex, `logs` (log_power, log_rest, log_share), and a noise power in units of the mixture."""
    count, rank, antennas = keys.shape
    gain, floor, constant = _shrinkage(logs, noise, antennas)
    padded = -(-count // LANES) * LANES
    scaled = np.zeros((padded, rank, antennas), complex)
    scaled[:count] = keys * np.sqrt(gain / floor[:, None])[..., None]
    tiles = np.stack([scaled.real, scaled.imag], -1).reshape(-1, LANES, rank, antennas, 2)
    fill = padded - count
    return Regions(
        np.ascontiguousarray(np.moveaxis(tiles, 1, -1), np.float32),
        np.pad(1 / floor, (0, fill)).astype(np.float32),
        np.pad(constant, (0, fill), constant_values=-np.inf).astype(np.float32),
    )


def cells_at(keys: np.ndarray, values: np.ndarray, logs: tuple[np.ndarray, ...], noise: float) -> Cells:
    """For keys and values of `Cells`, `logs` (log_power, log_rest, log_share), and a noise power in units of the mixture."""
    gain, floor, constant = _shrinkage(logs, noise, keys.shape[-1] // 2)
    return Cells(keys, values, gain, floor, constant)


def _shrinkage(logs, noise, antennas):
    log_power, log_rest, log_share = logs
    power, floor = np.exp(log_power.astype(float)), noise + np.exp(log_rest.astype(float))
    spread_out = np.log1p(power / floor[..., None]).sum(-1) + antennas * np.log(floor)
    return power / (power + floor[..., None]), floor, log_share - spread_out


@njit(cache=True, nogil=True, fastmath={"contract"})
def region_evidence(rows, antennas, regions, evidence):
    """Write the log evidence (users, 16 tiles) of the regions for rows; as many as a multiple of four, as are `evidence`."""
    keys, width, step = regions.keys, evidence.shape[1], 2 * 16
    tiles, rank, many = keys.shape[0], keys.shape[1], 2 * antennas
    for n in range(0, len(rows), 4):
        y0, y1, y2, y3 = rows[n], rows[n + 1], rows[n + 2], rows[n + 3]
        e0, e1, e2, e3 = energy(y0[:many]), energy(y1[:many]), energy(y2[:many]), energy(y3[:many])
        for tile in range(tiles):
            column = 16 * tile
            inverse = load(regions.per_energy, column)
            s0 = s1 = s2 = s3 = load(regions.constant, column)
            for k in range(rank):
                at = (tile * rank + k) * antennas * step
                zero = spread(np.float32(0.0))
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
                for m in range(antennas):
                    re, im = load(keys, at + step * m), load(keys, at + step * m + 16)
                    a0, b0 = _conjugate_product(a0, b0, re, im, y0[m], y0[antennas + m])
                    a1, b1 = _conjugate_product(a1, b1, re, im, y1[m], y1[antennas + m])
                    a2, b2 = _conjugate_product(a2, b2, re, im, y2[m], y2[antennas + m])
                    a3, b3 = _conjugate_product(a3, b3, re, im, y3[m], y3[antennas + m])
                s0, s1 = add_square(add_square(s0, a0), b0), add_square(add_square(s1, a1), b1)
                s2, s3 = add_square(add_square(s2, a2), b2), add_square(add_square(s3, a3), b3)
            at = n * width + column
            store(evidence, at, add_scaled(s0, -e0, inverse))
            store(evidence, at + width, add_scaled(s1, -e1, inverse))
            store(evidence, at + 2 * width, add_scaled(s2, -e2, inverse))
            store(evidence, at + 3 * width, add_scaled(s3, -e3, inverse))


@njit(cache=True, nogil=True)
def _conjugate_product(total_re, total_im, key_re, key_im, re, im):
    """total + conj(key) y."""
    total_re, total_im = add_scaled(total_re, re, key_re), add_scaled(total_im, im, key_re)
    return add_scaled(total_re, im, key_im), add_scaled(total_im, -re, key_im)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def energy(row):
    """Sum of squares."""
    total = np.float32(0.0)
    for i in range(len(row)):
        total += row[i] * row[i]
    return total


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def key_product(key, pairs, turned):
    """(re, im) of conj(key) y for pairs of y, and of -j y."""
    re, im = np.float32(0.0), np.float32(0.0)
    for i in range(len(key)):
        re += key[i] * pairs[i]
        im += key[i] * turned[i]
    return re, im


@njit(cache=True, nogil=True)
def largest(values, best, where):
    """Write the largest of values, in falling order, and where they stand; as many as `best` has room for."""
    last = len(best) - 1
    best[:], where[:] = -np.inf, 0
    for i in range(len(values)):
        if values[i] > best[last]:
            j = last
            while j > 0 and best[j - 1] < values[i]:
                best[j], where[j] = best[j - 1], where[j - 1]
                j -= 1
            best[j], where[j] = values[i], i


@njit(cache=True, nogil=True, fastmath={"contract"})
def cell_evidence(pairs, turned, cells, route, evidence, found):
    """Write the evidence (routes * cells,) of the cells of regions `route`, and to found (routes * cells, rank, 2) what their keys find."""
    count, rank = cells.keys.shape[1], cells.keys.shape[2]
    total = np.float64(energy(pairs))
    for n in range(len(route)):
        for c in range(count):
            at, r, explained = n * count + c, route[n], 0.0
            for k in range(rank):
                re, im = key_product(cells.keys[r, c, k], pairs, turned)
                found[at, k, 0], found[at, k, 1] = re, im
                explained += (np.float64(re) * re + np.float64(im) * im) * cells.gain[r, c, k]
            evidence[at] = (explained - total) / cells.floor[r, c] + cells.constant[r, c]


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def posterior_mean(cells, route, look, evidence, found, mean):
    """Write the mean (2 M,) over the cells `look`, numbers within those of `route`, likeliest first, of these evidences.

    Returns (probability of the likeliest, expected power of the uplink channel).
    """
    count, rank = cells.keys.shape[1], cells.keys.shape[2]
    antennas = len(mean) // 2
    total, expected = 0.0, 0.0
    for n in range(len(look)):
        total += math.exp(evidence[n] - evidence[0])
    mean[:] = np.float32(0.0)
    for n in range(len(look)):
        weight = math.exp(evidence[n] - evidence[0]) / total
        if weight < 1e-9:
            continue
        r, c = route[look[n] // count], look[n] % count
        for k in range(rank):
            gain = cells.gain[r, c, k]
            re, im = gain * found[look[n], k, 0], gain * found[look[n], k, 1]
            expected += weight * (re * re + im * im + gain * cells.floor[r, c])
            re, im = np.float32(weight * re), np.float32(weight * im)
            value = cells.values[r, c, k]
            for m in range(antennas):
                mean[m] += re * value[m] - im * value[antennas + m]
                mean[antennas + m] += re * value[antennas + m] + im * value[m]
    return 1.0 / total, expected
