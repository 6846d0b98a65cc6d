import re
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.world.path_table import PathTable
from sim.world.scenario import Scenario

TEST_POSITIONS = [27, 38, 139, 166, 171, 205]


def tiny_table(positions):
    shape = (2, positions, 1)
    return PathTable(
        np.zeros((positions, 3)),
        (2.4e9, 2.5e9),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape),
        np.linspace(-1, 1, positions)[None, :, None] * np.ones(shape),
    )


def test_channels_are_a_function_of_the_index():
    s = Scenario(antennas=16)
    whole = s.channels(range(5, 25))
    for start, stop in ((5, 6), (11, 25)):
        for all_of_it, part in zip(whole, s.channels(range(start, stop)), strict=True):
            np.testing.assert_array_equal(all_of_it[start - 5 : stop - 5], part)


def test_huge_block_indices_differ():
    s = Scenario(antennas=4, users=4)
    assert not np.array_equal(s.user_positions(range(2**32, 2**32 + 1)), s.user_positions(range(1)))


def test_users_of_a_block_are_distinct():
    s = replace(Scenario(users=8, antennas=8), world=tiny_table(9), split="all")
    users = np.sort(s.user_positions(range(2000)), axis=1)
    assert (np.diff(users, axis=1) > 0).all()
    assert len(np.unique(users)) == 9


def test_the_splits_share_no_position_and_leave_none_out():
    splits = [Scenario(split=split).positions() for split in ("test", "validation", "train")]
    assert [len(part) for part in splits[:2]] == [4000, 4000]
    np.testing.assert_array_equal(np.sort(np.concatenate(splits)), Scenario(split="all").positions())


def test_the_validation_split_leaves_the_test_split_as_it_was():
    """The first test positions from before there was a validation split."""
    np.testing.assert_array_equal(Scenario().positions()[:6], TEST_POSITIONS)


def test_link_seed_keeps_the_split_and_split_seed_changes_it():
    np.testing.assert_array_equal(Scenario(seed=1).positions(), Scenario(seed=2).positions())
    assert not np.array_equal(Scenario(split_seed=1).positions(), Scenario(split_seed=2).positions())


def test_seeds_draw_other_users():
    assert not np.array_equal(Scenario(seed=1).user_positions(range(9)), Scenario(seed=2).user_positions(range(9)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": 65}, "users=65 needs at least 65 antennas, got antennas=64"),
        ({"users": 0}, "users=0"),
        ({"antennas": -1}, "antennas=-1"),
        ({"pilots": 0}, "pilots=0"),
        ({"noise_dbm": float("nan")}, "noise_dbm=nan"),
        ({"seed": -1}, "seed=-1"),
        ({"split": "both"}, "split='both'"),
        ({"spacing": "wide"}, "spacing='wide'"),
        ({"test_positions": 0}, "test_positions=0"),
        ({"link_loss_db": float("inf")}, "link_loss_db=inf"),
        ({"streams": 2}, "streams=2 of a user with user_antennas=1"),
        ({"user_antennas": 2}, "user_antennas=2: the users of the world Room have one antenna"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Scenario(**change)


def test_link_loss_is_that_of_the_world_unless_given():
    assert asdict(Scenario())["link_loss_db"] == 30.0
    assert asdict(Scenario(world=tiny_table(50)))["link_loss_db"] == 0.0
    assert Scenario(world=tiny_table(50), link_loss_db=12.0).link_loss_db == 12.0
    assert replace(Scenario(), world=tiny_table(50)).link_loss_db == 30.0


def test_every_field_is_documented_in_one_line():
    documented = re.findall(r"^    (\w+(?:_\w+)*) {2,}\S", Scenario.__doc__, re.MULTILINE)
    assert documented == [f.name for f in fields(Scenario)]


@pytest.mark.parametrize("place", range(3))
def test_a_path_table_gives_the_channels_that_the_scenario_does(place):
    s = Scenario(antennas=16, users=1, world=TABLE, split="all")
    rows = np.array([[place]])
    np.testing.assert_array_equal(TABLE.channels(rows, 16, 0)[:, 0], s.uplink_at(rows)[:, :, 0])
    np.testing.assert_array_equal(TABLE.channels(rows, 16, 1)[:, 0].conj(), s.downlink_at(rows)[:, 0])


def test_too_few_positions_are_named():
    s = Scenario(antennas=8, users=5, world=tiny_table(4), split="all")
    with pytest.raises(ValueError, match="users=5 needs as many distinct positions, the all split has 4"):
        s.channels(range(1))


@given(start=st.integers(0, 2**40), count=st.integers(1, 9), users=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_any_range_is_made_of_its_single_blocks(start, count, users):
    s = Scenario(antennas=8, users=users, world=TABLE, split="all")
    whole = s.user_positions(range(start, start + count))
    single = [s.user_positions(range(i, i + 1))[0] for i in range(start, start + count)]
    np.testing.assert_array_equal(whole, single)


TABLE = tiny_table(50)
