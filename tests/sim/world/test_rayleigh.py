import numpy as np
import pytest

from sim.world.rayleigh import Rayleigh
from sim.world.scenario import Scenario


def scenario(**changes):
    return Scenario(**{"antennas": 8, "users": 2, "world": Rayleigh(), "user_antennas": 2, **changes})


def test_entries_are_independent_and_of_unit_power():
    h = scenario().downlink(range(4000)).reshape(4000, -1)
    covariance = h.conj().T @ h / len(h)
    np.testing.assert_allclose(covariance, np.eye(32), atol=0.07)
    assert abs((h * h).mean()) < 0.01


def test_the_carriers_fade_independently():
    h_ul, h_dl = scenario().channels(range(4000))
    up = h_ul.swapaxes(1, 2).reshape(h_dl.shape)
    assert abs((up * h_dl).mean()) < 0.01
    assert abs((up * h_dl.conj()).mean()) < 0.01


def test_channels_depend_on_seed_and_index_alone():
    s = scenario(seed=3)
    np.testing.assert_array_equal(s.downlink(range(10))[4:7], s.downlink(range(4, 7)))
    assert not np.array_equal(s.downlink(range(3)), scenario(seed=4).downlink(range(3)))
    assert not np.array_equal(s.downlink(range(3)), scenario(seed=3, world=Rayleigh(seed=1)).downlink(range(3)))


@pytest.mark.parametrize("antennas", [1, 2])
def test_the_splits_share_no_place(antennas):
    splits = [scenario(split=split, user_antennas=antennas).user_positions(range(500)) for split in ("train", "validation", "test", "all")]
    assert len(np.unique(splits)) == 4 * 500 * 2


def test_huge_block_indices_have_places_of_their_split():
    far = scenario().user_positions(range(2**61, 2**61 + 3))
    assert len(np.unique(far)) == 6
    assert (far // 2**60 == scenario().user_positions(range(1))[0, 0] // 2**60).all()


def test_users_with_one_antenna_have_the_shapes_of_any_other_world():
    h_ul, h_dl = scenario(user_antennas=1).channels(range(3))
    assert h_ul.shape == (3, 8, 2)
    assert h_dl.shape == (3, 2, 8)


def test_users_with_several_antennas_have_an_axis_more():
    h_ul, h_dl = scenario(user_antennas=3).channels(range(5))
    assert h_ul.shape == (5, 8, 6)
    assert h_dl.shape == (5, 2, 3, 8)


def test_there_are_no_stored_positions():
    with pytest.raises(ValueError, match="Rayleigh has no stored positions"):
        scenario().positions()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"antennas": 0}, "antennas=0"),
        ({"streams": 3}, "streams=3 of a user with user_antennas=2"),
        ({"users": 5}, "users=5 with streams=2 needs at least 10 antennas"),
        ({"downlink_power_dbm": np.inf}, "downlink_power_dbm=inf"),
        ({"spacing": "physical"}, "spacing='physical': the world Rayleigh"),
    ],
)
def test_sizes_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        scenario(**change)
