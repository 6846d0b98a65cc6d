from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.world.path_table import PathTable
from sim.world.scenario import Scenario


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


def test_train_and_test_positions_are_disjoint():
    test, train = Scenario().positions(), Scenario(split="train").positions()
    assert len(test) == 4000
    assert len(np.intersect1d(test, train)) == 0
    assert len(test) + len(train) == len(Scenario().path_table())


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
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Scenario(**change)


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
