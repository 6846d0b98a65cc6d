import numpy as np
import pytest

from sim.world.rayleigh import RayleighScenario


def test_entries_are_independent_and_of_unit_power():
    h = RayleighScenario(8, 2).channels(range(4000)).reshape(4000, -1)
    covariance = h.conj().T @ h / len(h)
    np.testing.assert_allclose(covariance, np.eye(32), atol=0.07)
    assert abs((h * h).mean()) < 0.01


def test_channels_depend_on_seed_and_index_alone():
    s = RayleighScenario(8, 2, seed=3)
    np.testing.assert_array_equal(s.channels(range(10))[4:7], s.channels(range(4, 7)))
    assert not np.array_equal(s.channels(range(3)), RayleighScenario(8, 2, seed=4).channels(range(3)))
    assert s.power == pytest.approx(100)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"antennas": 0}, "antennas=0"),
        ({"streams": 3}, "streams=3"),
        ({"users": 5, "antennas": 8}, "need at least 10 antennas"),
        ({"snr_db": np.inf}, "snr_db=inf"),
    ],
)
def test_sizes_that_do_not_fit_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        RayleighScenario(**arguments)
