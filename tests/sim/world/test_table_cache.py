from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sim.world import table_cache
from sim.world.room import Grid, Room
from sim.world.table_cache import traced_table

ROOM = Room(user_areas=(Grid((0.0, 0.0), 5, 4),))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def traces(monkeypatch):
    """Counts the calls of the tracer."""
    calls = []
    genuine = table_cache.tracer.trace
    monkeypatch.setattr(table_cache.tracer, "trace", lambda *args: calls.append(1) or genuine(*args))
    return calls


def fetch(room=ROOM):
    table_cache._traced_table.cache_clear()
    return traced_table(room)


def test_second_use_reads_the_file(cache, traces):
    first, second = fetch(), fetch()
    assert len(traces) == 1
    np.testing.assert_array_equal(first.gain_db, second.gain_db)
    np.testing.assert_array_equal(first.delay_s, second.delay_s)


def test_another_room_is_another_file(cache, traces):
    fetch()
    fetch(replace(ROOM, base_station_m=(1.0, -4.0, 2.0)))
    fetch(replace(ROOM, carriers_hz=(2.4e9, 2.6e9)))
    fetch(replace(ROOM, paths=4))
    assert len(traces) == 4
    assert len(list(cache.iterdir())) == 4


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "garbage"])
def test_damaged_file_is_traced_again(cache, traces, damage):
    good = fetch()
    (file,) = cache.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[-100] ^= 1
    file.write_bytes({"truncate": content[:-50], "flip": content, "empty": b"", "garbage": b"\xff" * 1000}[damage])
    np.testing.assert_array_equal(fetch().gain_db, good.gain_db)
    assert len(traces) == 2
    fetch()
    assert len(traces) == 2


def test_file_made_from_something_else_is_traced_again(cache, traces):
    good = fetch()
    (file,) = cache.iterdir()
    arrays = load_file(file)
    arrays["gain_db"] = arrays["gain_db"] + 1
    save_file(arrays, file, {"key": "of another room", "sha256": table_cache._digest(arrays)})
    np.testing.assert_array_equal(fetch().gain_db, good.gain_db)
    assert len(traces) == 2


def test_folder_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch, traces):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("CALIBEAM_CACHE", str(blocked / "below"))
    assert len(fetch()) == 20
