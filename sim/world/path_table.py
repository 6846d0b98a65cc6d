"""Propagation paths per user position: what a ray tracer knows about the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.channels import PathPhasors, place_channels


@dataclass(frozen=True, eq=False)
class PathTable:
    """Up to P paths from each of N positions to the base station, on the uplink (0) and the downlink (1) carrier. A `World`.

    positions_m  (N, 3) float64
    carriers_hz  (uplink, downlink)
    gain_db      (2, N, P) float32   power gain; -inf marks an empty slot
    phase_rad    (2, N, P) float32   of the path's interactions; leaves out -2 pi f tau
    delay_s      (2, N, P) float64
    cosine       (2, N, P) float64   of the angle between departure and array axis
    """

    positions_m: np.ndarray
    carriers_hz: tuple[float, float]
    gain_db: np.ndarray
    phase_rad: np.ndarray
    delay_s: np.ndarray
    cosine: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.positions_m)
        if self.positions_m.shape != (n, 3):
            raise ValueError(f"positions_m has shape {self.positions_m.shape}, expected (N, 3)")
        shape = self.gain_db.shape
        if len(shape) != 3 or shape[:2] != (2, n):
            raise ValueError(f"gain_db has shape {shape}, expected (2, {n}, P)")
        for name in ("phase_rad", "delay_s", "cosine"):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, gain_db has {shape}")
        used = self.gain_db > -np.inf
        for name in ("gain_db", "phase_rad", "delay_s", "cosine"):
            if not np.isfinite(getattr(self, name)[used]).all():
                raise ValueError(f"{name} holds a value that is not finite in a used slot")
        if len(self.carriers_hz) != 2 or min(self.carriers_hz) <= 0:
            raise ValueError(f"carriers_hz={self.carriers_hz} are not two positive frequencies")

    def __len__(self) -> int:
        return len(self.positions_m)

    def positions(self) -> np.ndarray:
        """(N, 3) float64, m."""
        return self.positions_m

    def path_table(self) -> PathTable:
        """Itself."""
        return self

    def channels(self, rows: np.ndarray, antennas: int, carrier: int) -> np.ndarray:
        """(..., M) complex64 of the places `rows` (...), antennas half a wavelength of the carrier apart."""
        return place_channels(_half_wavelength_phasors(self), rows, antennas, carrier)


@lru_cache(maxsize=2)
def _half_wavelength_phasors(table: PathTable) -> PathPhasors:
    return PathPhasors.of(table, (0.5, 0.5))
