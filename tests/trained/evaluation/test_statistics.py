import math

import numpy as np
import pytest

from trained.evaluation.statistics import half_width, quantile, share


def test_quantiles_are_those_of_student_below_thirty_values():
    stats = pytest.importorskip("scipy.stats")
    for count in range(2, 30):
        assert quantile(count) == pytest.approx(stats.t.ppf(0.975, count - 1), abs=6e-4)
    assert quantile(30) == 1.96


@pytest.mark.parametrize("count", [3, 10, 200])
def test_intervals_hold_the_mean_in_95_of_100_cases(rng, count):
    samples = rng.standard_normal((4000, count))
    held = np.mean([abs(values.mean()) < half_width(values) for values in samples])
    assert abs(held - 0.95) < 0.012


def test_an_interval_of_one_value_is_not_a_number():
    assert math.isnan(half_width(np.ones(1)))
    with pytest.raises(ValueError, match="count=1"):
        quantile(1)


def test_a_share_is_paired(rng):
    bound = rng.uniform(5, 15, 400)
    ratio, half = share(0.9 * bound + 0.01 * rng.standard_normal(400), bound)
    assert abs(ratio - 0.9) < half < 3e-4


def test_a_share_is_over_the_blocks_that_both_have(rng):
    bound = rng.uniform(5, 15, 100)
    assert share(0.5 * bound[:40], bound) == pytest.approx((0.5, 0.0), abs=1e-12)


def test_a_share_of_nothing_is_not_a_number():
    assert all(map(math.isnan, share(np.ones(5), np.zeros(5))))
