"""Uncorrelated Rayleigh fading: a world without places, in which every user fades on its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.noise import Stream, complex_normal
from sim.philox import philox_key


@dataclass(frozen=True)
class Rayleigh:
    """Every entry of every channel is CN(0, 1), independent of all others and of the other carrier. An endless `World`.

    The place number keys the random numbers, so that a channel is a pure function of (seed, place, carrier). Raises ValueError for a seed
    outside 0 ... 2^64 - 1. Source: Hu et al., Section VI-A.
    """

    carriers_hz: tuple[float, float] = (2.4e9, 2.5e9)
    seed: int = 0

    endless: ClassVar[bool] = True

    def __post_init__(self) -> None:
        philox_key(self.seed)

    def positions(self) -> np.ndarray:
        """(0, 3): nobody stands anywhere."""
        return np.empty((0, 3))

    def channels(self, rows: np.ndarray, antennas: int, carrier: int) -> np.ndarray:
        """(..., M) complex64, CN(0, 1), for place numbers `rows` (...)."""
        return self._fading(rows, (antennas,), carrier)

    def user_channels(self, rows: np.ndarray, user_antennas: int, antennas: int, carrier: int) -> np.ndarray:
        """(..., N, M) complex64, CN(0, 1), for the N antennas of the user at each place."""
        return self._fading(rows, (user_antennas, antennas), carrier)

    def _fading(self, rows: np.ndarray, shape: tuple[int, ...], carrier: int) -> np.ndarray:
        stream = (Stream.UPLINK_FADING, Stream.FADING)[carrier]
        return complex_normal(self.seed, stream, rows.ravel(), shape, 1.0).reshape(*rows.shape, *shape)


@dataclass(frozen=True)
class RayleighScenario:
    """Goes with the next step: `Scenario(world=Rayleigh(), noise_dbm=0, downlink_power_dbm=snr_db)` does the same.

    Users whose antennas all fade independently: every channel entry is CN(0, 1), the noise power is 1 mW.

    antennas M, users K, user_antennas N, streams d of each user; snr_db: transmit power over noise power. Channels are a pure function of
    (seed, index). Raises ValueError for sizes that do not fit. Source: Hu et al., Section VI-A.
    """

    antennas: int = 32
    users: int = 8
    user_antennas: int = 2
    streams: int = 2
    snr_db: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("antennas", "users", "user_antennas", "streams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} has to be at least 1")
        if self.streams > self.user_antennas:
            raise ValueError(f"streams={self.streams} of a user with user_antennas={self.user_antennas}; expected at most as many")
        if self.users * self.streams > self.antennas:
            raise ValueError(
                f"users={self.users} with streams={self.streams} need at least {self.users * self.streams} antennas, "
                f"got antennas={self.antennas}"
            )
        if not math.isfinite(self.snr_db):
            raise ValueError(f"snr_db={self.snr_db} has to be a finite number")

    @property
    def power(self) -> float:
        """Transmit power, mW, at a noise power of 1 mW."""
        return 10 ** (self.snr_db / 10)

    def channels(self, index: range) -> np.ndarray:
        """(len(index), K, N, M) complex64, the downlink channel of every user antenna."""
        return complex_normal(self.seed, Stream.FADING, index, (self.users, self.user_antennas, self.antennas), 1.0)
