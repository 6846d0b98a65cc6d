"""A world of a user's own, as docs/worlds.md prints it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Corridor:
    """A line of sight along a corridor: free-space gain, and the phase of the distance, from an array across one end."""

    length_m: float = 40.0
    places: int = 2000
    carriers_hz: tuple[float, float] = (2.4e9, 2.5e9)

    def positions(self):
        along = np.linspace(2.0, self.length_m, self.places)
        return np.stack([0.8 * np.sin(40 * along), along, np.full(self.places, 1.5)], axis=1)

    def channels(self, rows, antennas, carrier):
        wavelength = 299_792_458.0 / self.carriers_hz[carrier]
        place = self.positions()[rows]
        array_x = wavelength / 2 * (np.arange(antennas) - (antennas - 1) / 2)
        distance = np.hypot(place[..., :1] - array_x, place[..., 1:2])
        return (wavelength / (4 * np.pi * distance) * np.exp(-2j * np.pi * distance / wavelength)).astype(np.complex64)
