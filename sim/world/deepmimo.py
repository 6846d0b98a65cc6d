"""Reader for DeepMIMO scenario folders, version 2 (flat .mat lists) and version 4 (one matrix a quantity)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sim.world.path_table import PathTable

_V4_NAME = re.compile(r"power_t(\d{3})_tx(\d{3})_r(\d{3})\.(npz|mat)$")


@dataclass(frozen=True)
class DeepMIMO:
    """A pair of scenario folders, one for each carrier, with the same user positions in the same order. A `World` of the
    places that are reached on both carriers.

    transmitter         the active base station (BS) of a version-2 folder, by its number; the TX set of a version-4 folder, by its id
                        (None: the only one; BS 1)
    array_axis          unit vector of the antenna array; DeepMIMO lays arrays along y
    phase_has_delay     True where the stored phase already holds -2 pi f tau, as ray tracers that store the phase of the
                        received field do; False where it is the phase of the interactions alone
    paths               the strongest ones of each place that are kept

    Folders are read on first use, and once. Raises FileNotFoundError or ValueError then, naming the folder and what to do, where something
    is missing or the two folders differ; ValueError at once for an array axis that is no unit vector and for paths < 1.
    """

    uplink: str
    downlink: str
    transmitter: int | None = None
    array_axis: tuple[float, float, float] = (0.0, 1.0, 0.0)
    phase_has_delay: bool = False
    paths: int = 5

    def __post_init__(self) -> None:
        norm = float(np.linalg.norm(self.array_axis))
        if not abs(norm - 1.0) < 1e-6:
            raise ValueError(f"array_axis={self.array_axis} has length {norm:.6g}; give a unit vector")
        if self.paths < 1:
            raise ValueError(f"paths={self.paths} has to be at least 1")

    @property
    def carriers_hz(self) -> tuple[float, float]:
        """(uplink, downlink), Hz, as the folders have it."""
        return self.path_table().carriers_hz

    def positions(self) -> np.ndarray:
        """(N, 3) float64, m: the positions that have a path on both carriers."""
        return self.path_table().positions_m

    def path_table(self) -> PathTable:
        """The `paths` strongest paths of every position that has one on both carriers."""
        return _path_table(self)

    def channels(self, rows: np.ndarray, antennas: int, carrier: int) -> np.ndarray:
        """(..., M) complex64 of the places `rows` (...), antennas half a wavelength of the carrier apart."""
        return self.path_table().channels(rows, antennas, carrier)


@lru_cache(maxsize=4)
def _path_table(world: DeepMIMO) -> PathTable:
    sides = [_read_folder(Path(folder), world.transmitter) for folder in (world.uplink, world.downlink)]
    up, down = (side["positions"] for side in sides)
    if up.shape != down.shape or not np.allclose(up, down, atol=1e-3):
        raise ValueError(
            f"{world.uplink} has {len(up)} user positions and {world.downlink} has {len(down)}, or they stand "
            "elsewhere: both folders have to describe the same users in the same order"
        )
    carriers = (sides[0]["carrier_hz"], sides[1]["carrier_hz"])
    strongest = [_strongest(side, world.paths) for side in sides]
    gain, phase, delay, azimuth, zenith = (np.stack(q) for q in zip(*strongest, strict=True))
    reached = np.all(np.any(gain > -np.inf, axis=2), axis=0)
    if not reached.any():
        raise ValueError(f"no user position in {world.uplink} has a path on both carriers")
    phase = np.deg2rad(phase)
    if world.phase_has_delay:
        phase = phase + 2 * np.pi * np.asarray(carriers)[:, None, None] * delay
    azimuth, zenith = np.deg2rad(azimuth), np.deg2rad(zenith)
    x, y, z = world.array_axis
    cosine = np.sin(zenith) * (np.cos(azimuth) * x + np.sin(azimuth) * y) + np.cos(zenith) * z
    wrapped = np.angle(np.exp(1j * phase)).astype(np.float32)
    return PathTable(
        up[reached].astype(float),
        carriers,
        gain[:, reached].astype(np.float32),
        wrapped[:, reached],
        delay[:, reached],
        cosine[:, reached],
    )


def _strongest(side: dict[str, Any], paths: int) -> list[np.ndarray]:
    gain = np.where(np.isfinite(side["gain_db"]), side["gain_db"], -np.inf)
    short = max(0, paths - gain.shape[1])
    order = np.argsort(-gain, axis=1, kind="stable")[:, :paths]
    chosen = []
    for name in ("gain_db", "phase", "delay", "azimuth", "zenith"):
        values = np.take_along_axis(gain if name == "gain_db" else np.asarray(side[name], float), order, axis=1)
        fill = -np.inf if name == "gain_db" else 0.0
        chosen.append(np.pad(values, ((0, 0), (0, short)), constant_values=fill))
    used = chosen[0] > -np.inf
    return [chosen[0]] + [np.where(used, values, 0.0) for values in chosen[1:]]


def _read_folder(folder: Path, transmitter: int | None) -> dict[str, Any]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give the folder of one DeepMIMO scenario")
    if (folder / "params.json").is_file():
        return _read_v4(folder, transmitter)
    if any(folder.glob("*.params.mat")):
        return _read_v2(folder, 1 if transmitter is None else transmitter)
    raise FileNotFoundError(f"{folder} holds no DeepMIMO scenario: neither params.json (version 4) nor NAME.params.mat (version 2)")


def _read_v4(folder: Path, transmitter: int | None) -> dict[str, Any]:
    params = json.loads((folder / "params.json").read_text())
    try:
        carrier = float(params["rt_params"]["frequency"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{folder / 'params.json'} names no carrier: rt_params.frequency is missing") from None
    found = sorted(m.groups() for f in folder.iterdir() if (m := _V4_NAME.match(f.name)))
    pairs = [(t, tx, r) for t, tx, r, _ in found if t != r]
    there = sorted({(int(t), int(tx)) for t, tx, _ in pairs})
    transmitters = [pair for pair in there if transmitter in (None, pair[0])]
    if len(transmitters) != 1:
        raise ValueError(
            f"{folder} has the transmitters {there} (TX set, number in it), {len(transmitters)} of them for transmitter={transmitter}: "
            "give the id of a set that has one"
        )
    wanted = [(t, tx, r) for t, tx, r in pairs if (int(t), int(tx)) == transmitters[0]]
    names = {"gain_db": "power", "phase": "phase", "delay": "delay", "azimuth": "aod_az", "zenith": "aod_el", "positions": "rx_pos"}
    side = {}
    for key, name in names.items():
        parts = [_matrix(folder / f"{name}_t{t}_tx{tx}_r{r}", name) for t, tx, r in wanted]
        if key != "positions":
            widest = max(part.shape[1] for part in parts)
            parts = [np.pad(p.astype(float), ((0, 0), (0, widest - p.shape[1])), constant_values=np.nan) for p in parts]
        side[key] = np.concatenate(parts)
    shapes = {key: value.shape for key, value in side.items() if key != "positions"}
    if len(set(shapes.values())) != 1 or side["positions"].shape != (len(side["gain_db"]), 3):
        raise ValueError(f"{folder}: matrices of one scenario differ in shape: {shapes}, positions {side['positions'].shape}")
    return {**side, "carrier_hz": carrier}


def _matrix(stem: Path, name: str) -> np.ndarray:
    for suffix in (".npz", ".mat"):
        file = stem.parent / (stem.name + suffix)
        if not file.is_file():
            continue
        if suffix == ".mat":
            return _load_mat(file, name)
        with np.load(file, allow_pickle=False) as stored:
            key = name if name in stored.files else stored.files[0]
            return stored[key]
    raise FileNotFoundError(f"{stem}.npz (or .mat) is missing from the DeepMIMO scenario: copy the whole folder")


def _read_v2(folder: Path, transmitter: int) -> dict[str, Any]:
    name = next(folder.glob("*.params.mat")).name.removesuffix(".params.mat")
    params = _load_mat(folder / f"{name}.params.mat")
    there = sorted(int(f.name.split(".")[-3]) for f in folder.glob(f"{name}.*.CIR.mat"))
    if transmitter not in there:
        raise ValueError(f"{folder} has the base stations {there} ({name}.NUMBER.CIR.mat): give one as transmitter, got {transmitter}")
    positions = _load_mat(folder / f"{name}.Loc.mat", "Loc_array_full")[:, 1:4]
    cir = _load_mat(folder / f"{name}.{transmitter}.CIR.mat", "CIR_array_full").ravel()
    dod = _load_mat(folder / f"{name}.{transmitter}.DoD.mat", "DoD_array_full").ravel()
    users = len(positions)
    rows = [_flat_users(flat, users, folder) for flat in (cir, dod)]
    widest = max((len(row) for row in rows[0]), default=0)
    quantities = np.full((6, users, max(widest, 1)), np.nan)
    for n, (impulse, departure) in enumerate(zip(*rows, strict=True)):
        if len(impulse) != len(departure):
            raise ValueError(f"{folder}: user {n + 1} has {len(impulse)} paths in CIR and {len(departure)} in DoD")
        quantities[:3, n, : len(impulse)] = impulse[:, 1:].T
        quantities[3:, n, : len(departure)] = departure[:, 1:].T
    phase, delay, power, azimuth, zenith, _ = quantities
    return {
        "carrier_hz": float(np.squeeze(params["carrier_freq"])),
        "positions": positions,
        "phase": phase,
        "delay": delay,
        "gain_db": power - float(np.squeeze(params.get("transmit_power", 0.0))),
        "azimuth": azimuth,
        "zenith": zenith,
    }


def _flat_users(flat: np.ndarray, users: int, folder: Path) -> list[np.ndarray]:
    """The (paths, 4) rows of every user from a flat list: user count, then per user its number, path count and quads."""
    rows, at = [], 1
    for n in range(users):
        if at + 2 > len(flat) or flat[at] != n + 1 or not 0 <= flat[at + 1] <= (len(flat) - at - 2) / 4 or flat[at + 1] % 1:
            raise ValueError(f"{folder}: the path list breaks off at user {n + 1} of {users}")
        paths = int(flat[at + 1])
        rows.append(np.asarray(flat[at + 2 : at + 2 + 4 * paths], float).reshape(paths, 4))
        at += 2 + 4 * paths
    return rows


def _load_mat(file: Path, name: str | None = None) -> Any:
    try:
        from scipy.io import loadmat
    except ImportError:
        raise ImportError(f"reading {file.name} needs scipy: pip install 'calibeam[deepmimo]'") from None
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing from the DeepMIMO scenario: copy the whole folder")
    content = loadmat(file)
    if name is None:
        return content
    if name not in content:
        name = next(key for key in content if not key.startswith("__"))
    return content[name]
