"""The simulated world of one link: who stands where, what every coherence block's channels are, how strong all is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from sim.channels import PathPhasors, downlink_channels, uplink_channels
from sim.estimation import channel_statistics
from sim.gram import check_antennas
from sim.philox import philox_key
from sim.pilots import dft_pilots
from sim.units import mw_from_dbm
from sim.world.path_table import PathTable
from sim.world.room import Room
from sim.world.users import SPLITS, draw_users, endless_users, split_places
from sim.world.world import World, checked_world

SPACINGS = ("half-wavelength", "physical")


@dataclass(frozen=True)
class Scenario:
    """One FDD link. `channels(index)` is a pure function of (world, seed, split, index).

    antennas             M, of the base station
    users                K, served at once
    pilots               L, pilot symbols; as many as users have antennas by default
    uplink_power_dbm     dBm per user and pilot symbol
    downlink_power_dbm   dBm, all beams together
    noise_dbm            dBm per received sample, at the base station and at the users
    link_loss_db         dB taken off every channel; by default what the world says: 30 in the built-in room, 0 elsewhere
    world                where channels come from: a Room, a DeepMIMO pair, a PathTable, Rayleigh or any other World
    user_antennas        N, of each user; more than one only in worlds that have such users
    streams              d, sent to each user; N by default
    spacing              "half-wavelength" of each carrier, or "physical": half a downlink wavelength for both
    seed                 draws the users of every coherence block, and keys the noise
    split                "train", "validation" or "test" positions, or "all"
    split_seed           draws the splits apart
    test_positions       size of the test and the validation split; a tenth of the positions where that is fewer

    `link_loss_db` is settled when the scenario is made, so that `replace(s, world=...)` keeps it: with another world give
    link_loss_db=None. Raises ValueError, naming the field, for what does not fit.
    """

    antennas: int = 64
    users: int = 8
    pilots: int | None = None
    uplink_power_dbm: float = -10.0
    downlink_power_dbm: float = 5.0
    noise_dbm: float = -85.0
    link_loss_db: float | None = None
    world: World = Room()
    user_antennas: int = 1
    streams: int | None = None
    spacing: str = "half-wavelength"
    seed: int = 0
    split: str = "test"
    split_seed: int = 0
    test_positions: int = 4000

    def __post_init__(self) -> None:
        checked_world(self.world)
        if self.link_loss_db is None:
            object.__setattr__(self, "link_loss_db", float(getattr(self.world, "link_loss_db", 0.0)))
        for name in ("antennas", "users", "pilots", "user_antennas", "streams", "test_positions"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} has to be at least 1")
        if self.user_streams > self.user_antennas:
            raise ValueError(f"streams={self.streams} of a user with user_antennas={self.user_antennas}; expected at most as many")
        check_antennas(self.antennas, self.users, self.user_streams)
        for name in ("uplink_power_dbm", "downlink_power_dbm", "noise_dbm", "link_loss_db"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)} has to be a finite number")
        for name, choices in (("spacing", SPACINGS), ("split", SPLITS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r} is not one of {', '.join(choices)}")
        self._check_abilities()
        philox_key(self.seed)
        philox_key(self.split_seed)

    def _check_abilities(self) -> None:
        kind = type(self.world).__name__
        if self.user_antennas > 1 and not hasattr(self.world, "user_channels"):
            raise ValueError(f"user_antennas={self.user_antennas}: the users of the world {kind} have one antenna; Rayleigh has more")
        if self.spacing != "half-wavelength" and (self.user_antennas > 1 or not hasattr(self.world, "path_table")):
            raise ValueError(f"spacing={self.spacing!r}: the world {kind} makes these channels itself, not from paths; leave it out")

    @property
    def pilot_symbols(self) -> int:
        """L."""
        return self.users * self.user_antennas if self.pilots is None else self.pilots

    @property
    def user_streams(self) -> int:
        """d, streams of each user."""
        return self.user_antennas if self.streams is None else self.streams

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
        """DFT pilots (K N, L) complex64 at full uplink power; row k N + n is antenna n of user k."""
        return dft_pilots(self.users * self.user_antennas, self.pilot_symbols, self.uplink_power)

    def path_table(self) -> PathTable:
        """The world's paths, traced or read on first use. Raises ValueError for a world that has none."""
        if not hasattr(self.world, "path_table"):
            raise ValueError(f"the world {type(self.world).__name__} has no path table: ask the scenario for channels")
        table: PathTable = self.world.path_table()
        return table

    def phasors(self) -> PathPhasors | None:
        """Path coefficients and phase steps of every place; None for a world without a path table, see `uplink_at` and `downlink_at`."""
        return _phasors(self.world, self.spacing, self._link_loss_db) if hasattr(self.world, "path_table") else None

    def positions(self) -> np.ndarray:
        """Numbers of the world's places that belong to `split`, ascending int64. Raises ValueError where there are too few or no end."""
        if getattr(self.world, "endless", False):
            raise ValueError(f"the world {type(self.world).__name__} has no stored positions: its users are drawn without end")
        return split_places(self.world, self.split, self.split_seed, self.test_positions)

    def user_positions(self, index: range) -> np.ndarray:
        """(len(index), K) int64 place numbers; the users of one coherence block are K distinct places."""
        if getattr(self.world, "endless", False):
            return endless_users(self.split, self.users, self.seed, index)
        available = self.positions()
        if len(available) < self.users:
            raise ValueError(f"users={self.users} needs as many distinct positions, the {self.split} split has {len(available)}")
        return draw_users(available, self.users, self.seed, index)

    def uplink_at(self, rows: np.ndarray) -> np.ndarray:
        """h_ul (B, M, K) complex64 of users at the places `rows` (B, K); (B, M, K N) for users with N antennas."""
        if self.user_antennas == 1 and (phasors := self.phasors()) is not None:
            return uplink_channels(phasors, rows, self.antennas)
        h = self._made(rows, 0)
        return np.ascontiguousarray(h.reshape(len(rows), -1, self.antennas).swapaxes(1, 2))

    def downlink_at(self, rows: np.ndarray) -> np.ndarray:
        """h_dl (B, K, M) complex64 of users at the places `rows` (B, K), row k is h_DL,k^H; (B, K, N, M) for users with N antennas."""
        if self.user_antennas == 1 and (phasors := self.phasors()) is not None:
            return downlink_channels(phasors, rows, self.antennas)
        return self._made(rows, 1).conj()

    def uplink(self, index: range) -> np.ndarray:
        """h_ul (len(index), M, K) complex64; (len(index), M, K N) for users with N antennas."""
        return self.uplink_at(self.user_positions(index))

    def downlink(self, index: range) -> np.ndarray:
        """h_dl (len(index), K, M) complex64, row k is h_DL,k^H; (len(index), K, N, M) for users with N antennas."""
        return self.downlink_at(self.user_positions(index))

    def channels(self, index: range) -> tuple[np.ndarray, np.ndarray]:
        """(h_ul, h_dl) of the coherence blocks in `index`."""
        return self.uplink(index), self.downlink(index)

    def uplink_statistics(self, blocks: int = 2048) -> tuple[np.ndarray, np.ndarray]:
        """Mean (M, K) and covariance Q (K, K) of the uplink channel over blocks of the training positions."""
        return channel_statistics(replace(self, split="train").uplink(range(blocks)))

    def prepare(self) -> None:
        """Trace or read the world and compile the kernels now, so that a stream does not wait for them."""
        self.channels(range(1))

    @property
    def _link_loss_db(self) -> float:
        return 0.0 if self.link_loss_db is None else self.link_loss_db

    def _made(self, rows: np.ndarray, carrier: int) -> np.ndarray:
        """(B, K, M), or (B, K, N, M): what the world itself makes of the places, checked, with the link loss taken off."""
        shape: tuple[int, ...] = (*rows.shape, self.antennas)
        if self.user_antennas == 1:
            h = self.world.channels(rows, self.antennas, carrier)
        else:
            h = self.world.user_channels(rows, self.user_antennas, self.antennas, carrier)  # type: ignore[attr-defined]
            shape = (*rows.shape, self.user_antennas, self.antennas)
        if h.shape != shape or h.dtype != np.complex64:
            raise ValueError(f"the world {type(self.world).__name__} gave channels {h.shape} {h.dtype}, expected {shape} complex64")
        return h if self._link_loss_db == 0.0 else h * np.float32(10 ** (-self._link_loss_db / 20))


@lru_cache(maxsize=4)
def _phasors(world: World, spacing: str, link_loss_db: float) -> PathPhasors:
    table: PathTable = world.path_table()  # type: ignore[attr-defined]
    uplink, downlink = table.carriers_hz
    spacing_wavelengths = (0.5, 0.5) if spacing == "half-wavelength" else (0.5 * uplink / downlink, 0.5)
    return PathPhasors.of(table, spacing_wavelengths, link_loss_db)
