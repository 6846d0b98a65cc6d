"""Quadrature amplitude modulation: constellations, random symbols, decisions, and the quality of received symbols."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from sim.noise import Stream
from sim.philox import philox4x32, philox_key

ORDERS = (4, 16, 64, 256, 1024)


def constellation(order: int) -> np.ndarray:
    """(order,) complex64 points of square QAM with unit mean power; neighbours differ in one bit of their number (Gray).

    The upper half of a number's bits chooses the real part, the lower half the imaginary one. Raises ValueError for another order
    than 4, 16, 64, 256, 1024.
    """
    if order not in ORDERS:
        raise ValueError(f"order={order} is not one of {', '.join(map(str, ORDERS))}")
    side = math.isqrt(order)
    place = np.arange(side)
    levels = np.empty(side)
    levels[place ^ (place >> 1)] = 2 * place - side + 1
    points = (levels[:, None] + 1j * levels[None, :]).ravel()
    return (points / np.sqrt(2 * (order - 1) / 3)).astype(np.complex64)


def random_symbols(order: int, seed: int, index: range, shape: tuple[int, ...]) -> np.ndarray:
    """(len(index), *shape) complex64 points, equally likely; entry j of block i depends on (seed, i, j) alone."""
    numbers = np.empty((len(index), math.prod(shape)), np.int64)
    points = constellation(order)
    _draw(numbers, index.start, order, philox_key(seed), np.uint32(Stream.SYMBOLS))
    return points[numbers].reshape(len(index), *shape)


def decide(symbols: np.ndarray, order: int) -> np.ndarray:
    """The constellation point nearest to each entry; same shape, complex64."""
    side, scale = math.isqrt(order), np.sqrt(2 * (order - 1) / 3)

    def nearest(part: np.ndarray) -> np.ndarray:
        return (2 * np.clip(np.round((part * scale + side - 1) / 2), 0, side - 1) - side + 1) / scale

    constellation(order)
    return (nearest(symbols.real) + 1j * nearest(symbols.imag)).astype(np.complex64)


def received_quality(received: np.ndarray, sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(gain, sinr), complex128 and float64 (..., ), of symbols `received` (..., T) = gain * sent + error.

    gain = <sent, received> / <sent, sent> is the least-squares one; sinr = |gain|^2 <|sent|^2> / error power, the error power with
    T - 1 degrees of freedom. Raises ValueError where T < 2.
    """
    if sent.shape[-1] < 2:
        raise ValueError(f"symbols={sent.shape[-1]} per coherence block are too few to measure a SINR; send at least 2")
    energy = (np.abs(sent.astype(complex)) ** 2).sum(-1)
    gain = (sent.conj() * received.astype(complex)).sum(-1) / energy
    error = (np.abs(received - gain[..., None] * sent) ** 2).sum(-1) / (sent.shape[-1] - 1)
    return gain, np.abs(gain) ** 2 * (energy / sent.shape[-1]) / error


@njit(cache=True, nogil=True)
def _draw(numbers: np.ndarray, start: int, order: int, key: np.ndarray, stream: np.uint32) -> None:
    blocks, count = numbers.shape
    for b in range(blocks):
        block = np.uint64(start + b)
        low, high = np.uint32(block), np.uint32(block >> np.uint64(32))
        for four in range((count + 3) // 4):
            w = philox4x32(np.uint32(four), low, high, stream, key[0], key[1])
            for i in range(min(4, count - 4 * four)):
                numbers[b, 4 * four + i] = np.int64(w[i]) & (order - 1)
