"""Folders in DeepMIMO's layouts are written from a traced table and read back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from sim.world.deepmimo import DeepMIMO, _flat_users
from sim.world.room import Grid, Room
from sim.world.scenario import Scenario
from sim.world.tracer import trace
from sim.world.world import World

ROOM = Room(user_areas=(Grid((0.0, 0.0), 10, 12),))


@pytest.fixture(scope="module")
def table():
    return trace(ROOM, ROOM.positions())


def angles(table):
    """Azimuth and zenith (degrees) with the table's cosine to the y axis."""
    zenith = np.full(table.cosine.shape, 90.0)
    return np.rad2deg(np.arcsin(table.cosine)), zenith


def write_v4(folder, table, carrier, suffix, missing=None):
    folder.mkdir()
    azimuth, zenith = angles(table)
    (folder / "params.json").write_text(json.dumps({"version": "4.0.0", "rt_params": {"frequency": table.carriers_hz[carrier]}}))
    content = {
        "power": table.gain_db[carrier],
        "phase": np.rad2deg(table.phase_rad[carrier]),
        "delay": table.delay_s[carrier],
        "aod_az": azimuth[carrier],
        "aod_el": zenith[carrier],
        "rx_pos": table.positions_m,
    }
    for name, values in content.items():
        values = values.astype(np.float32 if name not in ("delay", "aod_az") else np.float64)
        if missing is not None and name != "rx_pos":
            values = values.copy()
            values[missing] = np.nan
        file = folder / f"{name}_t001_tx000_r000.{suffix}"
        if suffix == "npz":
            np.savez(file, **{name: values})
        else:
            savemat(file, {name: values})
    return str(folder)


def flat(rows):
    users = [
        np.concatenate([[n + 1, len(user)], np.concatenate([[p + 1, *path] for p, path in enumerate(user)] or [[]])])
        for n, user in enumerate(rows)
    ]
    return np.concatenate([[len(rows)], *users])[None]


def write_v2(folder, table, carrier, transmit_power=10.0):
    folder.mkdir()
    azimuth, zenith = angles(table)
    n = len(table)
    power = table.gain_db[carrier] + transmit_power
    savemat(folder / "I1.params.mat", {"carrier_freq": table.carriers_hz[carrier], "transmit_power": transmit_power})
    savemat(folder / "I1.Loc.mat", {"Loc_array_full": np.column_stack([np.arange(n) + 1, table.positions_m])})
    cir = np.stack([np.rad2deg(table.phase_rad[carrier]), table.delay_s[carrier], power], axis=-1)
    dod = np.stack([azimuth[carrier], zenith[carrier], power], axis=-1)
    savemat(folder / "I1.1.CIR.mat", {"CIR_array_full": flat(list(cir))})
    savemat(folder / "I1.1.DoD.mat", {"DoD_array_full": flat(list(dod))})
    return str(folder)


def same_channels(world, table):
    settings = {"antennas": 16, "users": 4, "split": "all"}
    ours, theirs = Scenario(world=world, **settings), Scenario(world=table, **settings)
    for a, b in zip(ours.channels(range(20)), theirs.channels(range(20)), strict=True):
        assert np.linalg.norm(a - b) < 1e-3 * np.linalg.norm(b)


@pytest.mark.parametrize("suffix", ["npz", "mat"])
def test_version_4_folders_give_the_same_channels(tmp_path, table, suffix):
    world = DeepMIMO(write_v4(tmp_path / "up", table, 0, suffix), write_v4(tmp_path / "down", table, 1, suffix))
    assert world.path_table().carriers_hz == (2.4e9, 2.5e9)
    same_channels(world, table)


def test_version_2_folders_give_the_same_channels(tmp_path, table):
    same_channels(DeepMIMO(write_v2(tmp_path / "up", table, 0), write_v2(tmp_path / "down", table, 1)), table)


def test_phase_that_holds_the_delay_is_understood(tmp_path, table):
    plain = DeepMIMO(write_v4(tmp_path / "up", table, 0, "npz"), write_v4(tmp_path / "down", table, 1, "npz"))
    received = DeepMIMO(plain.uplink, plain.downlink, phase_has_delay=True)
    expected = plain.path_table().phase_rad + 2 * np.pi * np.array([2.4e9, 2.5e9])[:, None, None] * plain.path_table().delay_s
    difference = received.path_table().phase_rad - expected
    assert np.abs(np.angle(np.exp(1j * difference))).max() < 1e-3


def test_users_without_paths_are_left_out(tmp_path, table):
    world = DeepMIMO(write_v4(tmp_path / "up", table, 0, "npz", missing=[3, 7]), write_v4(tmp_path / "down", table, 1, "npz"))
    assert len(world.path_table()) == len(table) - 2


def test_empty_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no DeepMIMO scenario"):
        DeepMIMO(str(tmp_path), str(tmp_path)).path_table()
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        DeepMIMO(str(tmp_path / "nowhere"), str(tmp_path)).path_table()


def test_missing_matrix_is_named(tmp_path, table):
    up = write_v4(tmp_path / "up", table, 0, "npz")
    (tmp_path / "up" / "delay_t001_tx000_r000.npz").unlink()
    with pytest.raises(FileNotFoundError, match="delay_t001_tx000_r000"):
        DeepMIMO(up, up).path_table()


def test_folders_of_different_users_are_refused(tmp_path, table):
    other = trace(ROOM, ROOM.positions()[::-1])
    world = DeepMIMO(write_v4(tmp_path / "up", table, 0, "npz"), write_v4(tmp_path / "down", other, 1, "npz"))
    with pytest.raises(ValueError, match="same users in the same order"):
        world.path_table()


def test_list_that_breaks_off_is_named(tmp_path, table):
    up = write_v2(tmp_path / "up", table, 0)
    whole = flat(list(np.zeros((len(table), 5, 3))))
    savemat(tmp_path / "up" / "I1.1.CIR.mat", {"CIR_array_full": whole[:, :100]})
    with pytest.raises(ValueError, match="breaks off at user 5"):
        DeepMIMO(up, up).path_table()


def test_a_transmitter_that_is_not_there_is_named_with_those_that_are(tmp_path, table):
    v2, v4 = write_v2(tmp_path / "two", table, 0), write_v4(tmp_path / "four", table, 0, "npz")
    with pytest.raises(ValueError, match=r"two has the base stations \[1\] .* got 7"):
        DeepMIMO(v2, v2, transmitter=7).path_table()
    with pytest.raises(ValueError, match=r"four has the transmitters \[\(1, 0\)\] .* 0 of them for transmitter=7"):
        DeepMIMO(v4, v4, transmitter=7).path_table()


def test_it_is_a_world_without_a_link_loss_of_its_own(tmp_path, table):
    world = DeepMIMO(write_v4(tmp_path / "up", table, 0, "npz"), write_v4(tmp_path / "down", table, 1, "npz"), paths=3)
    s = Scenario(antennas=8, users=2, world=world, split="all")
    assert isinstance(world, World)
    assert s.link_loss_db == 0.0
    assert world.carriers_hz == table.carriers_hz
    assert world.path_table().gain_db.shape == (2, len(table), 3)
    rows = s.user_positions(range(4))
    np.testing.assert_array_equal(s.downlink(range(4)), world.channels(rows, 8, 1).conj())


@pytest.mark.parametrize(("change", "words"), [({"array_axis": (1.0, 1.0, 0.0)}, "give a unit vector"), ({"paths": 0}, "paths=0")])
def test_bad_numbers_are_refused_before_anything_is_read(change, words):
    with pytest.raises(ValueError, match=words):
        DeepMIMO("nowhere", "nowhere", **change)


@given(values=st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, np.nan, np.inf, 1e300]), max_size=30), users=st.integers(0, 4))
@settings(max_examples=300)
def test_any_list_of_numbers_is_read_or_refused(values, users):
    try:
        rows = _flat_users(np.array(values), users, "folder")
    except ValueError as error:
        assert "breaks off at user" in str(error)
    else:
        assert len(rows) == users and all(row.shape[1] == 4 for row in rows)
