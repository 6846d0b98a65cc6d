from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.world.materials import METAL, Slab
from sim.world.room import Grid, Room, Table
from sim.world.tracer import trace

REFERENCE = Path(__file__).parents[2] / "data" / "sionna_rt_indoor_5k.npz"
EMPTY = Room(tables=(), user_areas=(Grid((0.0, 0.0), 3, 3),))


def test_paths_agree_with_sionna_rt():
    """tests/data/README.md says how the reference was made; mirror twins of equal strength may swap slots."""
    reference = np.load(REFERENCE, allow_pickle=False)
    table = trace(Room(), reference["position_m"].astype(float))
    found = np.zeros(reference["delay_s"].shape, bool)
    for shift in (0, -1, 1):
        ours = [np.roll(x, shift, axis=-1) for x in (table.gain_db, table.delay_s, table.phase_rad)]
        gain = np.abs(ours[0] - reference["gain_db"]).max(axis=0)
        delay = np.abs(ours[1][0] - reference["delay_s"])
        turn = np.abs(np.angle(np.exp(1j * (ours[2] - reference["phase_rad"])))).max(axis=0)
        found |= (gain < 0.01) & (delay < 1e-13) & (turn < 1e-3)
    assert found.mean() >= 0.999
    assert (np.abs(table.cosine[0] - reference["direction"][..., 0]) < 1e-4).mean() >= 0.999


def test_every_user_of_the_default_room_has_five_paths():
    positions = Room().positions()
    assert len(positions) == 151_402
    assert np.isfinite(trace(Room(), positions[::500]).gain_db).all()


def test_line_of_sight_is_free_space():
    table = trace(replace(EMPTY, paths=1), np.array([[1.0, 2.0, 1.0]]), max_reflections=0)
    distance = np.linalg.norm(np.array([1.0, 2.0, 1.0]) - EMPTY.base_station_m)
    wavelength = 299_792_458.0 / 2.4e9
    assert table.gain_db[0, 0, 0] == pytest.approx(20 * np.log10(wavelength / (4 * np.pi * distance)), abs=1e-4)
    assert table.phase_rad[0, 0, 0] == pytest.approx(0.0, abs=1e-6)


def test_empty_box_has_one_direct_six_single_and_eighteen_double_reflections():
    table = trace(replace(EMPTY, paths=40), np.array([[1.0, 2.0, 1.0]]))
    assert np.isfinite(table.gain_db[0, 0]).sum() == 1 + 6 + 18


def test_metal_floor_reflects_all_power():
    room = replace(EMPTY, floor=Slab(METAL, 0.1))
    user = np.array([[1.0, 2.0, 1.0]])
    table = trace(replace(room, paths=40), user, max_reflections=1)
    length = np.linalg.norm(np.array([1.0, 2.0, -1.0]) - room.base_station_m)
    floor = np.argmin(np.abs(table.delay_s[0, 0] - length / 299_792_458.0))
    free_space_db = 20 * np.log10(299_792_458.0 / 2.4e9 / (4 * np.pi * length))
    assert table.gain_db[0, 0, floor] == pytest.approx(free_space_db, abs=0.02)


def test_table_in_the_way_blocks_the_floor_reflection():
    user = np.array([-2.0, 1.5, 1.0])
    delay = np.linalg.norm(user * [1, 1, -1] - EMPTY.base_station_m) / 299_792_458.0
    on_the_way_down = Table((-1.5, -2.0), (-0.2, -1.3))
    for room, arrives in ((EMPTY, True), (replace(EMPTY, tables=(on_the_way_down,)), False)):
        table = trace(replace(room, paths=40), user[None])
        found = np.abs(table.delay_s[0, 0] - delay) < 1e-15
        assert found[np.isfinite(table.gain_db[0, 0])].any() == arrives


def test_room_moved_base_station_changes_the_paths():
    user = np.array([[1.0, 2.0, 1.0]])
    moved = replace(EMPTY, base_station_m=(-2.0, -4.0, 3.0))
    assert trace(moved, user).delay_s[0, 0, 0] != trace(EMPTY, user).delay_s[0, 0, 0]


@pytest.mark.parametrize("place", [(6.0, 0.0, 1.0), (0.0, 0.0, -1.0), (np.nan, 0.0, 1.0)])
def test_position_outside_the_room_is_refused(place):
    with pytest.raises(ValueError, match="lies outside the room"):
        trace(EMPTY, np.array([place]))


def test_base_station_outside_the_room_is_refused():
    with pytest.raises(ValueError, match="base_station_m.*outside the room"):
        Room(base_station_m=(0.0, 9.0, 1.0))
