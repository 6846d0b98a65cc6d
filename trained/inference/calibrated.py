"""The network `calibrated` on one CPU core: the twin of trained/networks/calibrated.py."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from trained.inference.base import Twin
from trained.inference.parts.dense import ROWS, dense, layer
from trained.inference.parts.mixture import cell_evidence, cells_at, largest, posterior_mean, region_evidence, regions_at
from trained.inference.parts.powers import power_layers, power_rounds, power_shapes

_HIDDEN, _ROUNDS, _SIDE, _FLOOR = 64, 2, 3, 0.01
_REGION_RANK, _ROUTES, _LOOKS = 4, 8, 8
_CHUNK = 64


class Calibrated(Twin):
    """(h (B, M, K) complex64, p (B, K), q (B, K) float32) from uplink estimates (B, M, K) complex64; see the network."""

    any_antennas = False

    def __init__(self, tensors, size, config):
        self.antennas = antennas = size["antennas"]
        m = np.arange(antennas)
        angle = 2 * math.pi * (m[:, None] * m % antennas) / antennas
        beams = np.exp(1j * angle) / math.sqrt(antennas)
        self.to_beams, self.from_beams = (layer(_real(b)) for b in (beams.conj(), beams))
        self.scale = float(tensors["mixture.scale"])
        keys, values = tensors["mixture.cells.keys"], tensors["mixture.values"]
        self.region_keys = tensors["mixture.regions.keys"] @ np.array([1, 1j])
        self.cell_keys = keys.reshape(*keys.shape[:-2], -1)
        self.values = np.ascontiguousarray(np.swapaxes(values, -1, -2)).reshape(self.cell_keys.shape)
        self.region_logs, self.cell_logs = (
            tuple(tensors[f"mixture.{kind}.{name}"].astype(float) for name in ("log_power", "log_rest", "log_share"))
            for kind in ("regions", "cells")
        )
        self.refine = tuple(layer(tensors[f"refine.{n}.weight"], tensors[f"refine.{n}.bias"]) for n in (0, 2, 4))
        self.powers = power_layers(tensors, _ROUNDS)
        routes = min(_ROUTES, config["regions"])
        self.counts = routes, min(_LOOKS, routes * config["cells"])
        self.noise = math.nan

    @staticmethod
    def shapes(size, config):
        m, regions, cells, hidden = size["antennas"], config["regions"], config["cells"], config["hidden"]
        rank, region_rank = min(config["rank"], m), min(_REGION_RANK, m)
        mixture = {"scale": (), "values": (regions, cells, rank, m, 2)}
        for kind, where, r in (("regions", (regions,), region_rank), ("cells", (regions, cells), rank)):
            mixture |= {f"{kind}.keys": (*where, r, m, 2), f"{kind}.log_power": (*where, r)}
            mixture |= {f"{kind}.log_rest": where, f"{kind}.log_share": where}
        refine = {"0": (hidden, 4 * m + 4), "2": (hidden, hidden), "4": (4 * m, hidden)}
        return (
            {f"mixture.{name}": shape for name, shape in mixture.items()}
            | {f"refine.{name}.weight": shape for name, shape in refine.items()}
            | {f"refine.{name}.bias": shape[:1] for name, shape in refine.items()}
            | power_shapes(_HIDDEN, _ROUNDS, _SIDE)
        )

    def __call__(self, heard, estimate_noise, power, noise_power):
        heard = self.checked(heard, self.antennas)
        if self.noise != estimate_noise:
            noise = estimate_noise / self.scale**2
            self.regions = regions_at(self.region_keys, self.region_logs, noise)
            self.cells = cells_at(self.cell_keys, self.values, self.cell_logs, noise)
            self.noise = estimate_noise
        h = np.empty_like(heard)
        p, q = self.powers_of(heard)
        beams = self.to_beams, self.from_beams
        constants = self.scale, float(estimate_noise), float(power), float(noise_power)
        _calibrate(heard, constants, self.counts, beams, self.regions, self.cells, self.refine, self.powers, h, p, q)
        return h, p, q


def _real(matrix):
    """The real matrix of a complex one that is multiplied from the right and symmetric, for rows of real before imaginary parts."""
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])


@njit(cache=True, nogil=True, fastmath={"contract"})
def _calibrate(heard, constants, counts, beams, regions, cells, refine, powers, h, p, q):
    blocks, antennas, users = heard.shape
    scale, noise, power, noise_power = constants
    at_once = max(1, _CHUNK // users)
    padded = (min(at_once, blocks) * users + ROWS - 1) // ROWS * ROWS
    width = beams[0].bias.shape[0]
    raw, y = np.zeros((padded, width), np.float32), np.zeros((padded, width), np.float32)
    pairs, turned = np.empty((padded, 2 * antennas), np.float32), np.empty((padded, 2 * antennas), np.float32)
    evidence = np.empty((padded, regions.constant.shape[0]), np.float32)
    mean, mean_beams = np.zeros((padded, 2 * antennas), np.float32), np.empty((padded, width), np.float32)
    certainty, expected = np.ones(padded), np.zeros(padded)
    features = np.zeros((padded, 4 * antennas + 4), np.float32)
    facts, turn = np.zeros((padded, 3), np.float32), np.empty((padded, 2))
    hidden = refine[0].bias.shape[0]
    first, second = np.empty((padded, hidden), np.float32), np.empty((padded, hidden), np.float32)
    correction = np.empty((padded, refine[2].bias.shape[0]), np.float32)
    for begin in range(0, blocks, at_once):
        end = min(begin + at_once, blocks)
        count = (end - begin) * users
        _read(heard[begin:end], scale, raw, pairs, turned)
        region_evidence(raw, antennas, regions, evidence)
        _look(pairs, turned, evidence, counts, cells, count, mean, certainty, expected)
        dense(raw, beams[0].weight, beams[0].bias, False, y)
        dense(mean, beams[0].weight, beams[0].bias, False, mean_beams)
        for n in range(count):
            _describe(y[n], mean_beams[n], antennas, scale, noise, certainty[n], expected[n], features[n], facts[n], turn[n])
        dense(features, refine[0].weight, refine[0].bias, True, first)
        dense(first, refine[1].weight, refine[1].bias, True, second)
        dense(second, refine[2].weight, refine[2].bias, False, correction)
        for n in range(count):
            _correct(features[n], correction[n], antennas, turn[n], y[n])
        power_rounds(y, end - begin, users, antennas, facts, powers, _FLOOR, power, noise_power, p[begin:end], q[begin:end])
        dense(y, beams[1].weight, beams[1].bias, False, raw)
        for b in range(begin, end):
            for k in range(users):
                row = raw[(b - begin) * users + k]
                for m in range(antennas):
                    h[b, m, k] = complex(row[m], row[antennas + m])


@njit(cache=True, nogil=True)
def _read(heard, scale, rows, pairs, turned):
    """Write the users' estimates in units of `scale` as rows, as pairs, and as pairs of -j times them."""
    blocks, antennas, users = heard.shape
    unit = np.float32(scale)
    for b in range(blocks):
        for m in range(antennas):
            for k in range(users):
                n, re, im = b * users + k, heard[b, m, k].real / unit, heard[b, m, k].imag / unit
                rows[n, m], rows[n, antennas + m] = re, im
                pairs[n, 2 * m], pairs[n, 2 * m + 1] = re, im
                turned[n, 2 * m], turned[n, 2 * m + 1] = im, -re


@njit(cache=True, nogil=True)
def _look(pairs, turned, evidence, counts, cells, count, mean, certainty, expected):
    """Posterior mean of each user over the likeliest cells of its likeliest regions."""
    routes, looks = counts
    route, look = np.empty(routes, np.int64), np.empty(looks, np.int64)
    region_best, best = np.empty(routes, np.float32), np.empty(looks)
    among = np.empty(routes * cells.keys.shape[1])
    found = np.empty((len(among), cells.keys.shape[2], 2), np.float32)
    for n in range(count):
        largest(evidence[n], region_best, route)
        cell_evidence(pairs[n], turned[n], cells, route, among, found)
        largest(among, best, look)
        certainty[n], expected[n] = posterior_mean(cells, route, look, best, found, mean[n])


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _describe(y, mean, antennas, scale, noise, certainty, expected, features, facts, turn):
    """Write what the MLP sees of a user; turn: the phase of the strongest beam of `mean`, times the norm of the estimate."""
    energy, strongest, at = 0.0, np.float32(-1.0), 0
    for m in range(antennas):
        energy += y[m] * y[m] + y[antennas + m] * y[antennas + m]
        beam = mean[m] * mean[m] + mean[antennas + m] * mean[antennas + m]
        if beam > strongest:
            strongest, at = beam, m
    norm = max(math.sqrt(energy) * scale, 1e-18)
    size = max(math.sqrt(strongest), 1e-12 * norm / scale)
    re, im = mean[at] / size, mean[antennas + at] / size
    turn[0], turn[1] = re * norm, im * norm
    unit = math.sqrt(antennas) / 4 * scale / norm
    turn_re, turn_im = np.float32(re * unit), np.float32(im * unit)
    for m in range(antennas):
        features[m] = y[m] * turn_re + y[antennas + m] * turn_im
        features[antennas + m] = y[antennas + m] * turn_re - y[m] * turn_im
        features[2 * antennas + m] = mean[m] * turn_re + mean[antennas + m] * turn_im
        features[3 * antennas + m] = mean[antennas + m] * turn_re - mean[m] * turn_im
    log_snr = min(max(math.log(norm * norm / (antennas * noise)), -10.0), 20.0)
    unexplained = min(max(math.log(norm * norm / max(expected * scale * scale, 1e-36)), -10.0), 10.0)
    facts[0], facts[1], facts[2] = log_snr / 4, certainty, unexplained
    side = features[4 * antennas :]
    side[0], side[1], side[2], side[3] = log_snr / 4, (math.log(noise) + 20) / 4, certainty, unexplained


@njit(cache=True, nogil=True, fastmath={"contract"})
def _correct(features, correction, antennas, turn, row):
    """Write the calibrated channel of a user, in beams."""
    scale = np.float32(math.sqrt(antennas) / 4)
    re, im, quarter = np.float32(turn[0] / scale), np.float32(turn[1] / scale), np.float32(0.25)
    for m in range(antennas):
        x_re, x_im = features[m], features[antennas + m]
        gain_re, gain_im = correction[m], correction[antennas + m]
        a = features[2 * antennas + m] + x_re * gain_re - x_im * gain_im + correction[2 * antennas + m] * quarter
        b = features[3 * antennas + m] + x_re * gain_im + x_im * gain_re + correction[3 * antennas + m] * quarter
        row[m], row[antennas + m] = a * re - b * im, a * im + b * re
