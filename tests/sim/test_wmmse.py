import numpy as np
import pytest

from sim.rate import effective_channel, sum_rate
from sim.wmmse import wmmse
from tests.streams import complex_normal


def test_one_antenna_is_a_case_of_several(rng):
    h = complex_normal(rng, 9, 12, 4)
    rows = np.ascontiguousarray(h.conj().swapaxes(1, 2))
    one = sum_rate(rows @ wmmse(h, 10.0, 1.0, 60), 1.0)
    several = sum_rate(effective_channel(rows[:, :, None], wmmse(rows[:, :, None], 10.0, 1.0, 60)), 1.0)
    np.testing.assert_allclose(one, several, rtol=1e-5)


def test_another_start_ends_elsewhere_with_the_same_power(rng):
    h = complex_normal(rng, 9, 8, 4)
    v = wmmse(h, 10.0, 1.0, 60, seed=3)
    assert v.shape == h.shape
    assert v.dtype == np.complex64
    np.testing.assert_allclose((np.abs(v) ** 2).sum((1, 2)), 10.0, rtol=1e-5)
    assert not np.allclose(v, wmmse(h, 10.0, 1.0, 60))


@pytest.mark.parametrize(
    ("shape", "arguments", "words"),
    [
        ((2, 8), {}, r"channels have shape \(2, 8\)"),
        ((2, 8, 3), {"streams": 2}, "streams=2 of users with one antenna"),
        ((2, 3, 2, 8), {"iterations": -1}, "iterations=-1"),
        ((2, 3, 2, 8), {"streams": 3}, "streams=3"),
    ],
)
def test_what_does_not_fit_is_named(shape, arguments, words):
    with pytest.raises(ValueError, match=words):
        wmmse(np.ones(shape), 1.0, 1.0, **arguments)
