"""Finding a known preamble in the samples of several antennas, and what it tells of noise and carrier offset."""

from __future__ import annotations

import math

import numpy as np

from sim.checks import positive


def zadoff_chu(length: int, root: int = 1, power: float = 1.0) -> np.ndarray:
    """(length,) complex64 Zadoff-Chu sequence: constant modulus sqrt(power), and no periodic correlation with its own shifts.

    x(n) = sqrt(power) exp(-j pi root n (n + 1) / length), length odd. power: mW per sample. Raises ValueError for an even length or one
    below 7, and where root and length have a common divisor. Source: 3GPP TS 36.211, 5.7.2.
    """
    positive("power", power)
    if length < 7 or length % 2 == 0:
        raise ValueError(f"length={length} of a Zadoff-Chu sequence has to be odd and at least 7")
    if math.gcd(root, length) != 1:
        raise ValueError(f"root={root} and length={length} have a common divisor; choose a prime length such as 61 or 127")
    n = np.arange(length)
    return (np.sqrt(power) * np.exp(-1j * np.pi * (root * n * (n + 1) % (2 * length)) / length)).astype(np.complex64)


def likeness(samples: np.ndarray, preamble: np.ndarray) -> np.ndarray:
    """(n - P + 1,) float32 share of each window's energy that lies along the preamble (P,), for samples (n, M) complex64.

    rho(t) = sum_m |sum_i conj(s_i) r_m(t + i)|^2 / (sum_i |s_i|^2 sum_m sum_i |r_m(t + i)|^2), between 0 and 1: about
    snr / (1 + snr) where the preamble begins, 1 / P in noise, 0 in silence. In noise it is Beta(M, M (P - 1)) distributed, so that
    one antenna exceeds a threshold x with the probability (1 - x)^(P - 1), and several antennas more rarely. A carrier offset of f
    cycles per sample lowers it by sinc^2(f P).
    """
    length, starts = len(preamble), len(samples) - len(preamble) + 1
    if starts < 1:
        return np.empty(0, np.float32)
    matched = np.zeros(starts, np.float32)
    rows = min(length, starts)
    filters = np.zeros((rows, rows + length - 1), np.complex64)  # a product of matrices filters `rows` windows at a time
    for row in range(rows):
        filters[row, row : row + length] = preamble.conj()
    for first in range(0, starts, rows):
        first = min(first, starts - rows)
        filtered = filters @ samples[first : first + rows + length - 1]
        matched[first : first + rows] = (filtered.real**2 + filtered.imag**2).sum(1)
    energy = np.zeros(len(samples) + 1)
    np.cumsum((samples.real**2 + samples.imag**2).sum(1), dtype=float, out=energy[1:])
    windows = energy[length:] - energy[:-length]
    floor = 1e-12 * energy[-1]
    scale = float((np.abs(preamble.astype(complex)) ** 2).sum())
    return np.divide(matched, scale * windows, out=np.zeros(starts), where=windows > floor).astype(np.float32)


def carrier_offset(received: np.ndarray, preamble: np.ndarray) -> float:
    """Cycles per sample between the carriers of sender and receiver, from a received preamble (P, M).

    The preamble is taken off, and the phase between its two halves, averaged over the antennas, divided by the time between them.
    Unambiguous where |offset| < 1 / (P + 1).
    """
    half = len(preamble) // 2
    clean = received.astype(complex) * preamble.conj()[:, None]
    first, second = clean[:half].sum(0), clean[-half:].sum(0)
    return float(np.angle((first.conj() * second).sum()) / (2 * np.pi * (len(preamble) - half)))


def shift_carrier(samples: np.ndarray, offset: float) -> np.ndarray:
    """samples (n, ...) times exp(j 2 pi offset t), t = 0 at the first one; offset in cycles per sample; the dtype stays."""
    turn = np.exp(2j * np.pi * (offset * np.arange(len(samples)) % 1.0)).astype(np.complex64)
    return samples * turn.reshape(-1, *(1,) * (samples.ndim - 1))


def preamble_snr(received: np.ndarray, preamble: np.ndarray) -> float:
    """Signal over noise power per antenna and sample, mean over the antennas, of a preamble (P, M) without carrier offset; >= 0.

    What lies along the preamble on each antenna is signal, and P - 1 dimensions hold noise alone.
    """
    length = len(preamble)
    received = received.astype(complex)
    energy = float((np.abs(received) ** 2).sum())
    along = float((np.abs(preamble.conj() @ received) ** 2).sum() / (np.abs(preamble.astype(complex)) ** 2).sum())
    noise = max(energy - along, 1e-12 * energy) / (length - 1)
    return max(along - noise, 0.0) / (noise * length) if noise > 0 else 0.0
