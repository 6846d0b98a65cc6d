"""Uncorrelated Rayleigh fading to users with several antennas."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.noise import Stream, complex_normal


@dataclass(frozen=True)
class RayleighScenario:
    """Users whose antennas all fade independently: every channel entry is CN(0, 1), the noise power is 1 mW.

    antennas M, users K, user_antennas N, streams d of each user; snr_db: transmit power over noise power. Channels are a pure function of
    (seed, index). Raises ValueError for sizes that do not fit. Source: Hu et al., Section VI-A.
    """

    antennas: int = 32
    users: int = 8
    user_antennas: int = 2
    streams: int = 2
    snr_db: float = 20.0
    seed: int = 0

    def __post_init__(self):
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
