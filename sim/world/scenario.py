"""The simulated world of one link: who stands where, what every coherence block's channels are, how strong all is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numba import njit

from sim.channels import PathPhasors, downlink_channels, uplink_channels
from sim.estimation import channel_statistics
from sim.gram import check_antennas
from sim.noise import Stream
from sim.philox import philox4x32, philox_key
from sim.pilots import dft_pilots
from sim.units import mw_from_dbm
from sim.world.deepmimo import DeepMIMO
from sim.world.path_table import PathTable
from sim.world.room import Room
from sim.world.table_cache import traced_table

SPACINGS = ("half-wavelength", "physical")


@dataclass(frozen=True)
class Scenario:
    """One FDD link. `channels(index)` is a pure function of (world, seed, split, index).

    antennas, users, pilots       M, K and L (L = K by default)
    *_power_dbm, noise_dbm        dBm; the noise is the same at the base station and at the users
    link_loss_db                  taken off every path of both carriers
    world                         a Room (traced), a DeepMIMO pair of folders, or a PathTable
    spacing                       "half-wavelength" of each carrier, or "physical": half a downlink wavelength for both
    seed                          draws the users of every block, and keys the noise
    split                         "train" or "test" positions, or "all"; `split_seed` draws them apart
    test_positions                size of the test split; a tenth of the positions where that is fewer
    """

    antennas: int = 64
    users: int = 8
    pilots: int | None = None
    uplink_power_dbm: float = -10.0
    downlink_power_dbm: float = 5.0
    noise_dbm: float = -85.0
    link_loss_db: float = 30.0
    world: Room | DeepMIMO | PathTable = Room()
    carriers_hz: tuple[float, float] = (2.4e9, 2.5e9)
    paths: int = 5
    spacing: str = "half-wavelength"
    seed: int = 0
    split: str = "test"
    split_seed: int = 0
    test_positions: int = 4000

    def __post_init__(self):
        for name in ("antennas", "users", "paths"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} has to be at least 1")
        if self.pilots is not None and self.pilots < 1:
            raise ValueError(f"pilots={self.pilots} has to be at least 1")
        check_antennas(self.antennas, self.users)
        for name in ("uplink_power_dbm", "downlink_power_dbm", "noise_dbm", "link_loss_db"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)} has to be a finite number")
        if self.spacing not in SPACINGS:
            raise ValueError(f"spacing={self.spacing!r} is not one of {', '.join(SPACINGS)}")
        if self.split not in ("train", "test", "all"):
            raise ValueError(f"split={self.split!r} is not train, test or all")
        philox_key(self.seed)
        philox_key(self.split_seed)

    @property
    def pilot_symbols(self) -> int:
        """L."""
        return self.users if self.pilots is None else self.pilots

    @property
    def uplink_power(self) -> float:
        """mW per user and pilot symbol."""
        return mw_from_dbm(self.uplink_power_dbm)

    @property
    def downlink_power(self) -> float:
        """mW, all beams together."""
        return mw_from_dbm(self.downlink_power_dbm)

    @property
    def noise_power(self) -> float:
        """mW per received sample."""
        return mw_from_dbm(self.noise_dbm)

    def pilot_matrix(self) -> np.ndarray:
        """DFT pilots (K, L) complex64 at full uplink power."""
        return dft_pilots(self.users, self.pilot_symbols, self.uplink_power)

    def path_table(self) -> PathTable:
        """The world's paths, traced or read on first use."""
        return _path_table(self.world, self.carriers_hz, self.paths)

    def positions(self) -> np.ndarray:
        """Rows of the path table that belong to `split`, ascending int64. Raises ValueError where there are too few."""
        return _positions(self.world, self.carriers_hz, self.paths, self.split, self.split_seed, self.test_positions)

    def user_positions(self, index: range) -> np.ndarray:
        """(len(index), K) int64 path-table rows; the users of one coherence block are K distinct positions."""
        available = self.positions()
        if len(available) < self.users:
            raise ValueError(f"users={self.users} needs as many distinct positions, the {self.split} split has {len(available)}")
        drawn = np.empty((len(index), self.users), np.int64)
        _draw_users(drawn, index.start, len(available), philox_key(self.seed))
        return available[drawn]

    def uplink_statistics(self, blocks: int = 2048) -> tuple[np.ndarray, np.ndarray]:
        """Mean (M, K) and covariance Q (K, K) of the uplink channel over blocks of the training positions."""
        return channel_statistics(replace(self, split="train").uplink(range(blocks)))

    def uplink(self, index: range) -> np.ndarray:
        """h_ul (len(index), M, K) complex64."""
        return uplink_channels(self.phasors(), self.user_positions(index), self.antennas)

    def downlink(self, index: range) -> np.ndarray:
        """h_dl (len(index), K, M) complex64; row k is h_DL,k^H."""
        return downlink_channels(self.phasors(), self.user_positions(index), self.antennas)

    def channels(self, index: range) -> tuple[np.ndarray, np.ndarray]:
        """(h_ul, h_dl) of the coherence blocks in `index`."""
        return self.uplink(index), self.downlink(index)

    def prepare(self) -> None:
        """Trace or read the world and compile the kernels now, so that a stream does not wait for them."""
        self.channels(range(1))

    def phasors(self) -> PathPhasors:
        """Path coefficients and phase steps of every position in the path table."""
        return _phasors(self.world, self.carriers_hz, self.paths, self.spacing, self.link_loss_db)


@lru_cache(maxsize=4)
def _path_table(world, carriers_hz, paths):
    if isinstance(world, PathTable):
        return world
    if isinstance(world, DeepMIMO):
        return world.path_table(paths)
    return traced_table(world, carriers_hz, paths)


@lru_cache(maxsize=4)
def _phasors(world, carriers_hz, paths, spacing, link_loss_db):
    table = _path_table(world, carriers_hz, paths)
    uplink, downlink = table.carriers_hz
    spacing_wavelengths = (0.5, 0.5) if spacing == "half-wavelength" else (0.5 * uplink / downlink, 0.5)
    return PathPhasors.of(table, spacing_wavelengths, link_loss_db)


@lru_cache(maxsize=4)
def _positions(world, carriers_hz, paths, split, split_seed, test_positions):
    count = len(_path_table(world, carriers_hz, paths))
    if split == "all":
        return np.arange(count)
    test_positions = min(test_positions, count // 10)
    if test_positions < 1:
        raise ValueError(f"the world has only {count} positions, too few to split into train and test: use split='all'")
    ranks = np.empty(count, np.uint64)
    _rank(ranks, philox_key(split_seed))
    order = np.argsort(ranks, kind="stable")
    return np.sort(order[:test_positions] if split == "test" else order[test_positions:])


@njit(cache=True, nogil=True)
def _rank(ranks, key):
    for n in range(len(ranks)):
        w = philox4x32(np.uint32(n), np.uint32(0), np.uint32(0), np.uint32(Stream.SPLIT), key[0], key[1])
        ranks[n] = (np.uint64(w[0]) << np.uint64(32)) | np.uint64(w[1])


@njit(cache=True, nogil=True)
def _draw_users(drawn, start, available, key):
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
