"""What received pilots tell of themselves, against numbers that are known because they were put in."""

import numpy as np
import pytest

from sim.pilot_fit import PilotFit
from sim.pilots import dft_pilots
from tests.streams import complex_normal

M, K, L, B, NOISE = 32, 4, 6, 400, 0.1
GAINS = np.array([1.0, 0.5, 2.0, 0.1])
X = dft_pilots(K, L, 1.0)


def received(rng, pilots=X, noise=NOISE):
    h = np.sqrt(GAINS) * complex_normal(rng, B, M, K)
    return h @ pilots + np.sqrt(noise) * complex_normal(rng, B, M, pilots.shape[1])


def test_level_and_gains_are_those_that_were_sent(rng):
    found = PilotFit(X, NOISE).measure(received(rng))
    assert found["level"].mean() == pytest.approx(GAINS.sum() + NOISE, rel=0.02)
    np.testing.assert_allclose(found["gain"].mean(0), GAINS, rtol=0.05)


@pytest.mark.parametrize("noise", [NOISE, 10.0])
def test_right_pilots_have_quality_one_at_high_and_low_snr(noise, rng):
    fit = PilotFit(X, noise)
    found = fit.measure(received(rng, noise=noise))
    assert fit.quality(found["level"].mean(), found["inside"].mean()) == pytest.approx(1, abs=0.1)


def test_random_pilots_have_the_quality_of_noise(rng):
    fit = PilotFit(X, NOISE)
    values = [
        float(fit.quality(found["level"].mean(), found["inside"].mean()))
        for found in (fit.measure(received(rng, complex_normal(rng, K, L))[:40]) for _ in range(100))
    ]
    assert abs(np.mean(values)) < 0.15


def test_noise_has_its_share_and_no_certain_quality(rng):
    fit = PilotFit(X, NOISE)
    found = fit.measure(np.sqrt(NOISE) * complex_normal(rng, B, M, L))
    assert found["inside"].mean() / found["level"].mean() == pytest.approx(fit.share_of_noise, abs=0.01)
    assert not fit.certain(found["level"], M).any()


def test_what_lies_beside_the_pilots_is_the_noise(rng):
    fit = PilotFit(X, 1e-3)
    found = fit.measure(received(rng))
    assert fit.noise_beside(found["level"].mean(), found["inside"].mean()) == pytest.approx(NOISE, rel=0.02)


def test_as_many_pilots_as_users_leave_nothing_beside():
    assert PilotFit(dft_pilots(4, 4, 1.0), 1.0).whole and not PilotFit(X, 1.0).whole


def test_pilots_that_are_zero_are_refused():
    with pytest.raises(ValueError, match="zero"):
        PilotFit(np.zeros((2, 2)), 1.0)
