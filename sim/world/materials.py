"""ITU-R P.2040 building materials and the reflection coefficients of finite slabs."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

from numba import njit

from sim.checks import positive

SPEED_OF_LIGHT = 299_792_458.0
VACUUM_PERMITTIVITY = 8.8541878128e-12


@dataclass(frozen=True)
class Material:
    """Relative permittivity a f^b and conductivity c f^d (S/m), f in GHz: Rec. ITU-R P.2040-3, Table 3."""

    a: float
    b: float
    c: float
    d: float

    def permittivity(self, frequency_hz: float) -> complex:
        """Complex relative permittivity at a frequency, time convention exp(+j w t)."""
        f_ghz = frequency_hz / 1e9
        conductivity = self.c * f_ghz**self.d
        loss = conductivity / (2 * math.pi * frequency_hz * VACUUM_PERMITTIVITY)
        return complex(self.a * f_ghz**self.b, -loss)


CONCRETE = Material(5.24, 0.0, 0.0462, 0.7822)
PLASTERBOARD = Material(2.73, 0.0, 0.0085, 0.9395)
WOOD = Material(1.99, 0.0, 0.0047, 1.0718)
BRICK = Material(3.91, 0.0, 0.0238, 0.16)
GLASS = Material(6.31, 0.0, 0.0036, 1.3394)
METAL = Material(1.0, 0.0, 1e7, 0.0)


@dataclass(frozen=True)
class Slab:
    """A flat layer of one material, `thickness_m` thick, with air on both sides."""

    material: Material
    thickness_m: float

    def __post_init__(self) -> None:
        positive("thickness_m", self.thickness_m)


@njit(cache=True, nogil=True)
def slab_reflection(permittivity: complex, thickness_wavelengths: float, cos_incidence: float) -> tuple[complex, complex]:
    """Reflection coefficients (TE, TM) of a slab in air, multiple internal reflections included.

    permittivity: complex relative; thickness in free-space wavelengths; cosine of the angle of incidence.
    Source: Rec. ITU-R P.2040-3, eq. 37a, 37b (interface) and 43a, 44 (slab).
    """
    root = cmath.sqrt(permittivity - (1.0 - cos_incidence * cos_incidence))
    te = (cos_incidence - root) / (cos_incidence + root)
    tm = (permittivity * cos_incidence - root) / (permittivity * cos_incidence + root)
    round_trip = cmath.exp(-4j * math.pi * thickness_wavelengths * root)
    te = te * (1.0 - round_trip) / (1.0 - te * te * round_trip)
    tm = tm * (1.0 - round_trip) / (1.0 - tm * tm * round_trip)
    return te, tm
