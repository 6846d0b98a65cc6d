"""Uncorrelated Rayleigh fading: a world without places, in which every user fades on its own."""

from __future__ import annotations

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
    usual_powers: ClassVar[dict[str, float]] = {"uplink_power_dbm": 20.0, "downlink_power_dbm": 20.0, "noise_dbm": 0.0}

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
