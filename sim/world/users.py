"""Who is served: which places belong to a split, and who of them a coherence block serves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from sim.noise import Stream
from sim.philox import philox4x32, philox_key, philox_words
from sim.world.world import World

SPLITS = ("train", "validation", "test", "all")
_ENDLESS_PLACES = 2**60  # in each split; a quarter of the place numbers is left over


@lru_cache(maxsize=8)
def split_places(world: World, split: str, split_seed: int, test_positions: int) -> np.ndarray:
    """Places of `world` that belong to `split`, ascending int64; `split_seed` draws the splits apart.

    "test" and "validation" have `test_positions` places each, or a tenth of the places where that is fewer, "train" has the rest, "all" has
    all. Raises ValueError where a world has too few places.
    """
    count = len(world.positions())
    if split == "all":
        return np.arange(count)
    held_out = min(test_positions, count // 10)
    if held_out < 1:
        raise ValueError(f"the world has only {count} positions, too few to split into train and test: use split='all'")
    ranks = np.empty(count, np.uint64)
    _rank(ranks, philox_key(split_seed))
    order = np.argsort(ranks, kind="stable")
    part = {"test": order[:held_out], "validation": order[held_out : 2 * held_out], "train": order[2 * held_out :]}
    return np.sort(part[split])


def draw_users(places: np.ndarray, users: int, seed: int, index: range) -> np.ndarray:
    """(len(index), K) int64: K distinct ones of `places` for each coherence block, a function of (places, seed, block) alone."""
    drawn = np.empty((len(index), users), np.int64)
    _draw_distinct(drawn, index.start, len(places), philox_key(seed))
    return places[drawn]


def endless_users(split: str, users: int, seed: int, index: range) -> np.ndarray:
    """(len(index), K) int64: the next K place numbers of the split for each coherence block, counted from a start that the seed draws."""
    high, low = philox_words(np.array([[0, 0, 0, Stream.USERS]], np.uint32), philox_key(seed))[0, :2]
    start = int(high) << 32 | int(low)
    numbers = (start + index.start * users) % _ENDLESS_PLACES + np.arange(len(index) * users)
    return (SPLITS.index(split) * _ENDLESS_PLACES + numbers % _ENDLESS_PLACES).reshape(len(index), users)


@njit(cache=True, nogil=True)
def _rank(ranks: np.ndarray, key: np.ndarray) -> None:
    for n in range(len(ranks)):
        w = philox4x32(np.uint32(n), np.uint32(0), np.uint32(0), np.uint32(Stream.SPLIT), key[0], key[1])
        ranks[n] = (np.uint64(w[0]) << np.uint64(32)) | np.uint64(w[1])


@njit(cache=True, nogil=True)
def _draw_distinct(drawn: np.ndarray, start: int, available: int, key: np.ndarray) -> None:
    blocks, users = drawn.shape
    for b in range(blocks):
        block = np.uint64(start + b)
        low, high = np.uint32(block), np.uint32(block >> np.uint64(32))
        found, attempt = 0, 0
        while found < users:
            w = philox4x32(np.uint32(attempt), low, high, np.uint32(Stream.USERS), key[0], key[1])
            attempt += 1
            candidate = np.int64((np.uint64(w[0]) * np.uint64(available)) >> np.uint64(32))
            fresh = True
            for k in range(found):
                fresh &= drawn[b, k] != candidate
            if fresh:
                drawn[b, found] = candidate
                found += 1
