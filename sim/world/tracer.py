"""Image-method ray tracer for a box room with tables: specular paths of up to two reflections."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from sim.world.materials import SPEED_OF_LIGHT, slab_reflection
from sim.world.path_table import PathTable

if TYPE_CHECKING:
    from sim.world.room import Room

_CHUNK = 1024
_Vector = tuple[float, float, float]
_Field = tuple[complex, complex, complex]


def trace(room: Room, positions: np.ndarray, max_reflections: int = 2) -> PathTable:
    """The strongest `room.paths` paths from the room's base station to each position, as a PathTable.

    positions: (N, 3) m. Vertically polarised isotropic antennas. Slots are ordered by the power summed over the carriers;
    an empty slot has gain -inf dB. Phases leave out -2 pi f tau. Raises ValueError for a position outside the room.
    """
    if max_reflections not in (0, 1, 2):
        raise ValueError(f"max_reflections={max_reflections} is not 0, 1 or 2")
    positions = np.ascontiguousarray(positions, float)
    low, high = room.bounds()
    outside = ~np.all((positions > low) & (positions < high), axis=1)
    if outside.any():
        raise ValueError(f"position {tuple(positions[outside][0])} lies outside the room ({tuple(low)} to {tuple(high)} m)")
    carriers = np.asarray(room.carriers_hz, float)
    surfaces, slabs = room.surfaces()
    permittivity = np.array([[s.material.permittivity(f) for s in slabs] for f in carriers])
    thickness = np.array([[s.thickness_m * f / SPEED_OF_LIGHT for s in slabs] for f in carriers])
    base_station = np.asarray(room.base_station_m, float)
    sequences = _sequences(len(slabs), max_reflections)
    images = _images(base_station, surfaces, sequences)

    n, paths = len(positions), room.paths
    field = np.zeros((len(carriers), n, paths), complex)
    power = np.zeros((n, paths))
    delay = np.zeros((n, paths))
    direction = np.zeros((n, paths, 3))

    def run(start: int) -> None:
        part = slice(start, start + _CHUNK)
        _trace_positions(
            base_station,
            positions[part],
            surfaces,
            sequences,
            images,
            permittivity,
            thickness,
            carriers,
            power[part],
            field[:, part],
            delay[part],
            direction[part],
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, range(0, n, _CHUNK)))
    with np.errstate(divide="ignore"):
        gain_db = 20 * np.log10(np.abs(field))
    cosine = direction @ np.asarray(room.array_axis, float)
    return PathTable(
        positions,
        room.carriers_hz,
        gain_db.astype(np.float32),
        np.angle(field).astype(np.float32),
        np.broadcast_to(delay, field.shape),
        np.broadcast_to(cosine, field.shape),
    )


def _sequences(surfaces: int, max_reflections: int) -> np.ndarray:
    """(S, 2) surface indices in the order in which they are hit from the base station; -1 where there is none."""
    found = [(-1, -1)]
    if max_reflections >= 1:
        found += [(s, -1) for s in range(surfaces)]
    if max_reflections == 2:
        found += [(s, t) for s in range(surfaces) for t in range(surfaces) if s != t]
    return np.array(found, np.int64)


def _images(base_station: np.ndarray, surfaces: np.ndarray, sequences: np.ndarray) -> np.ndarray:
    """(S, 2, 3): the base station mirrored in the first surface, then in both."""
    images = np.tile(base_station, (len(sequences), 2, 1))
    for image, (first, second) in zip(images, sequences, strict=True):
        if first >= 0:
            _mirror(image[0], surfaces[first])
            image[1] = image[0]
        if second >= 0:
            _mirror(image[1], surfaces[second])
    return images


def _mirror(point: np.ndarray, surface: np.ndarray) -> None:
    axis = int(surface[0])
    point[axis] = 2 * surface[1] - point[axis]


@njit(cache=True, nogil=True)
def _crossing(start: np.ndarray, end: np.ndarray, surface: np.ndarray, point: np.ndarray) -> bool:
    """Write where the open segment crosses the rectangle's plane into `point`; True if that is inside the rectangle."""
    axis = int(surface[0])
    span = end[axis] - start[axis]
    if span == 0.0:
        return False
    t = (surface[1] - start[axis]) / span
    if t <= 1e-9 or t >= 1.0 - 1e-9:
        return False
    for i in range(3):
        point[i] = start[i] + t * (end[i] - start[i])
    point[axis] = surface[1]
    u = 0 if axis != 0 else 1
    w = 2 if axis != 2 else 1
    return surface[2] <= point[u] <= surface[3] and surface[4] <= point[w] <= surface[5]


@njit(cache=True, nogil=True)
def _blocked(start: np.ndarray, end: np.ndarray, surfaces: np.ndarray, skip_a: int, skip_b: int, scratch: np.ndarray) -> bool:
    for s in range(len(surfaces)):
        if s != skip_a and s != skip_b and _crossing(start, end, surfaces[s], scratch):
            return True
    return False


@njit(cache=True, nogil=True)
def _polar_unit(k: _Vector) -> _Vector:
    """Unit vector theta-hat of the propagation direction k: the field of a vertically polarised antenna."""
    rho = math.sqrt(k[0] * k[0] + k[1] * k[1])
    if rho < 1e-12:
        return (math.copysign(1.0, k[2]), 0.0, 0.0)
    return (k[2] * k[0] / rho, k[2] * k[1] / rho, -rho)


@njit(cache=True, nogil=True)
def _reflect(e: _Field, k: _Vector, axis: int, te: complex, tm: complex) -> tuple[_Field, _Vector]:
    """Field and direction after reflection from a plane with its normal along `axis`."""
    kr = [k[0], k[1], k[2]]
    kr[axis] = -kr[axis]
    n = [0.0, 0.0, 0.0]
    n[axis] = 1.0
    px = k[1] * n[2] - k[2] * n[1]
    py = k[2] * n[0] - k[0] * n[2]
    pz = k[0] * n[1] - k[1] * n[0]
    norm = math.sqrt(px * px + py * py + pz * pz)
    if norm < 1e-12:
        px, py, pz, norm = n[1], n[2], n[0], 1.0
    px, py, pz = px / norm, py / norm, pz / norm
    ix, iy, iz = py * k[2] - pz * k[1], pz * k[0] - px * k[2], px * k[1] - py * k[0]
    rx, ry, rz = py * kr[2] - pz * kr[1], pz * kr[0] - px * kr[2], px * kr[1] - py * kr[0]
    e_te = te * (e[0] * px + e[1] * py + e[2] * pz)
    e_tm = tm * (e[0] * ix + e[1] * iy + e[2] * iz)
    return (e_te * px + e_tm * rx, e_te * py + e_tm * ry, e_te * pz + e_tm * rz), (kr[0], kr[1], kr[2])


@njit(cache=True, nogil=True)
def _trace_positions(
    base_station: np.ndarray,
    positions: np.ndarray,
    surfaces: np.ndarray,
    sequences: np.ndarray,
    images: np.ndarray,
    permittivity: np.ndarray,
    thickness: np.ndarray,
    carriers: np.ndarray,
    power: np.ndarray,
    field: np.ndarray,
    delay: np.ndarray,
    direction: np.ndarray,
) -> None:
    n_paths = power.shape[1]
    value = np.empty(len(carriers), np.complex128)
    hit1, hit2, scratch = np.empty(3), np.empty(3), np.empty(3)
    for n in range(len(positions)):
        user = positions[n]
        held = 0
        for s in range(len(sequences)):
            first, second = sequences[s]
            last = second if second >= 0 else first
            if second >= 0 and not _crossing(user, images[s, 1], surfaces[second], hit2):
                continue
            if first >= 0:
                origin = hit2 if second >= 0 else user
                if not _crossing(origin, images[s, 0], surfaces[first], hit1):
                    continue
                if _blocked(base_station, hit1, surfaces, first, -1, scratch):
                    continue
                if second >= 0 and _blocked(hit1, hit2, surfaces, first, second, scratch):
                    continue
            entry = hit2 if second >= 0 else (hit1 if first >= 0 else base_station)
            if _blocked(entry, user, surfaces, last, -1, scratch):
                continue

            target = hit1 if first >= 0 else user
            k0 = (target[0] - base_station[0], target[1] - base_station[1], target[2] - base_station[2])
            norm = math.sqrt(k0[0] * k0[0] + k0[1] * k0[1] + k0[2] * k0[2])
            k0 = (k0[0] / norm, k0[1] / norm, k0[2] / norm)
            length = math.sqrt((user[0] - images[s, 1, 0]) ** 2 + (user[1] - images[s, 1, 1]) ** 2 + (user[2] - images[s, 1, 2]) ** 2)
            for c in range(len(carriers)):
                start = _polar_unit(k0)
                e, k = (complex(start[0]), complex(start[1]), complex(start[2])), k0
                for surface in (first, second):
                    if surface >= 0:
                        axis = int(surfaces[surface, 0])
                        te, tm = slab_reflection(permittivity[c, surface], thickness[c, surface], abs(k[axis]))
                        e, k = _reflect(e, k, axis, te, tm)
                end = _polar_unit(k)
                wavelength = SPEED_OF_LIGHT / carriers[c]
                value[c] = (e[0] * end[0] + e[1] * end[1] + e[2] * end[2]) * wavelength / (4 * math.pi * length)
            strength = np.sum(np.abs(value) ** 2)
            slot = held if held < n_paths else np.argmin(power[n])
            if strength > power[n, slot]:
                held += slot == held
                power[n, slot] = strength
                field[:, n, slot] = value
                delay[n, slot] = length / SPEED_OF_LIGHT
                direction[n, slot, 0], direction[n, slot, 1], direction[n, slot, 2] = k0
        order = np.argsort(-power[n], kind="mergesort")
        for c in range(len(carriers)):
            field[c, n] = field[c, n][order]
        delay[n] = delay[n][order]
        direction[n] = direction[n][order]
