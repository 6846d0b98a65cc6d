"""The indoor world that the tracer sees: a box with tables, a base station and the places where users stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from sim.world.materials import CONCRETE, PLASTERBOARD, WOOD, Slab
from sim.world.path_table import PathTable
from sim.world.table_cache import traced_table


@dataclass(frozen=True)
class Table:
    """A horizontal plate at `height_m` with opposite corners (x, y) in m; it reflects and blocks."""

    corner_m: tuple[float, float]
    opposite_m: tuple[float, float]
    height_m: float = 0.75
    slab: Slab = Slab(WOOD, 0.03)


@dataclass(frozen=True)
class Grid:
    """User positions x0, x0 + spacing, ... (columns x rows of them) at one height, all in m."""

    origin_m: tuple[float, float]
    columns: int
    rows: int
    spacing_m: float = 0.01
    height_m: float = 1.0

    def positions(self) -> np.ndarray:
        """(columns * rows, 3) float64, m; y runs fastest."""
        x = self.origin_m[0] + self.spacing_m * np.arange(self.columns)
        y = self.origin_m[1] + self.spacing_m * np.arange(self.rows)
        x, y = np.meshgrid(x, y, indexing="ij")
        return np.stack([x.ravel(), y.ravel(), np.full(x.size, self.height_m)], axis=1)


@dataclass(frozen=True)
class Room:
    """A rectangular room centred on x = y = 0 with its floor at z = 0. Lengths in m; the default is the reference room. A `World`.

    carriers_hz  (uplink, downlink), Hz
    paths        P, the strongest ones of each place that are kept

    Raises ValueError where something stands outside the room, for an array axis that is no unit vector and for carriers <= 0.
    """

    size_m: tuple[float, float, float] = (10.0, 10.0, 5.0)
    walls: Slab = Slab(CONCRETE, 0.2)
    floor: Slab = Slab(CONCRETE, 0.3)
    ceiling: Slab = Slab(PLASTERBOARD, 0.05)
    tables: tuple[Table, ...] = (Table((-3.5, -1.0), (-0.5, 0.2)), Table((0.8, -1.0), (3.8, 0.2)))
    base_station_m: tuple[float, float, float] = (0.3, -4.8, 2.5)
    array_axis: tuple[float, float, float] = (1.0, 0.0, 0.0)
    user_areas: tuple[Grid, ...] = field(default=(Grid((-2.0, 1.0), 401, 201), Grid((-3.5, -2.6), 701, 101)))
    carriers_hz: tuple[float, float] = (2.4e9, 2.5e9)
    paths: int = 5

    link_loss_db: ClassVar[float] = 30.0

    def __post_init__(self) -> None:
        low, high = self.bounds()
        for name, place in [("base_station_m", self.base_station_m), *(("a user area", p) for p in self._area_corners())]:
            if not (np.all(np.asarray(place) > low) and np.all(np.asarray(place) < high)):
                raise ValueError(f"{name} {tuple(place)} lies outside the room, which spans {tuple(low)} to {tuple(high)} m")
        norm = float(np.linalg.norm(self.array_axis))
        if not abs(norm - 1.0) < 1e-6:
            raise ValueError(f"array_axis={self.array_axis} has length {norm:.6g}; give a unit vector")
        if len(self.carriers_hz) != 2 or not min(self.carriers_hz) > 0:
            raise ValueError(f"carriers_hz={self.carriers_hz} are not two positive frequencies")
        if self.paths < 1:
            raise ValueError(f"paths={self.paths} has to be at least 1")

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner, m."""
        x, y, z = self.size_m
        return np.array([-x / 2, -y / 2, 0.0]), np.array([x / 2, y / 2, z])

    def positions(self) -> np.ndarray:
        """(N, 3) float64: every user position, m."""
        return np.concatenate([area.positions() for area in self.user_areas])

    def path_table(self) -> PathTable:
        """The paths of every position, traced on first use and kept on disk."""
        return traced_table(self)

    def channels(self, rows: np.ndarray, antennas: int, carrier: int) -> np.ndarray:
        """(..., M) complex64 of the places `rows` (...), antennas half a wavelength of the carrier apart."""
        return self.path_table().channels(rows, antennas, carrier)

    def random_positions(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count, 3) float64, m: places drawn uniformly from the user areas, each area by its number of grid points."""
        sizes = np.array([area.columns * area.rows for area in self.user_areas])
        areas = [self.user_areas[n] for n in rng.choice(len(sizes), count, p=sizes / sizes.sum())]
        low = np.array([(*area.origin_m, area.height_m) for area in areas])
        extent = np.array([(area.spacing_m * (area.columns - 1), area.spacing_m * (area.rows - 1), 0.0) for area in areas])
        return low + extent * rng.random((count, 3))

    def surfaces(self) -> tuple[np.ndarray, list[Slab]]:
        """Axis-aligned rectangles (S, 6): normal axis, coordinate, then low and high of the two other axes; and their slabs."""
        low, high = self.bounds()
        rectangles, slabs = [], []
        for axis in range(3):
            u, w = [a for a in range(3) if a != axis]
            for coordinate, slab in ((low[axis], self.floor), (high[axis], self.ceiling)):
                rectangles.append([axis, coordinate, low[u], high[u], low[w], high[w]])
                slabs.append(slab if axis == 2 else self.walls)
        for table in self.tables:
            (x0, y0), (x1, y1) = table.corner_m, table.opposite_m
            rectangles.append([2, table.height_m, min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)])
            slabs.append(table.slab)
        return np.array(rectangles, float), slabs

    def _area_corners(self) -> Iterator[tuple[float, float, float]]:
        for area in self.user_areas:
            x, y = area.origin_m
            yield x, y, area.height_m
            yield x + area.spacing_m * (area.columns - 1), y + area.spacing_m * (area.rows - 1), area.height_m
