"""Traced path tables, kept on disk: the same room is traced once per machine."""

from __future__ import annotations

import hashlib
import inspect
import os
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sim.world import materials, tracer
from sim.world.path_table import PathTable

if TYPE_CHECKING:
    from sim.world.room import Room

_ARRAYS = ("positions_m", "gain_db", "phase_rad", "delay_s", "cosine")
_lock = threading.Lock()


def cache_folder() -> Path:
    """The user's cache folder: $CALIBEAM_CACHE, else calibeam/ below $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("CALIBEAM_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "calibeam"


def traced_table(room: Room) -> PathTable:
    """The room's path table, from memory, from the cache folder or from the tracer, in this order.

    A cache file that is damaged, belongs to someone else or was made from anything else is traced again and replaced.
    """
    with _lock:
        return _traced_table(room, cache_folder())


@lru_cache(maxsize=4)
def _traced_table(room: Room, folder: Path) -> PathTable:
    key = hashlib.sha256(repr((_code_digest(inspect.getfile(type(room))), room)).encode()).hexdigest()
    file = folder / f"paths-{key[:32]}.safetensors"
    arrays = _read(file, key)
    if arrays is not None:
        return PathTable(carriers_hz=room.carriers_hz, **arrays)
    table = tracer.trace(room, room.positions())
    _write(file, key, {name: np.ascontiguousarray(getattr(table, name)) for name in _ARRAYS})
    return table


@lru_cache(maxsize=4)
def _code_digest(room_file: str) -> str:
    digest = hashlib.sha256()
    for file in (str(materials.__file__), str(tracer.__file__), room_file):
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(f"{name}{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _read(file: Path, key: str) -> dict[str, np.ndarray] | None:
    try:
        if file.stat().st_uid != os.getuid():
            return None
        with safe_open(file, "numpy") as stored:
            tags = stored.metadata() or {}
            if tags.get("key") != key:
                return None
            arrays = {name: stored.get_tensor(name) for name in _ARRAYS}
        return arrays if tags.get("sha256") == _digest(arrays) else None
    except (OSError, SafetensorError):
        return None


def _write(file: Path, key: str, arrays: dict[str, np.ndarray]) -> None:
    content = save(arrays, {"key": key, "sha256": _digest(arrays)})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as draft:
            draft.write(content)
        os.replace(draft.name, file)
    except OSError:
        return  # a folder that cannot be written costs the next run a trace, nothing else
