import numpy as np
import pytest

from sim.estimation import channel_statistics, estimate, least_squares_matrix, lmmse_matrix, scaled_least_squares_matrix
from sim.pilots import dft_pilots
from tests.streams import complex_normal

M, K, POWER, NOISE = 16, 4, 2.0, 0.5


def received(rng, pilots, blocks=4000, noise=NOISE):
    h = complex_normal(rng, blocks, M, len(pilots))
    return h, h @ pilots + np.sqrt(noise) * complex_normal(rng, blocks, M, pilots.shape[1])


def mse(h, estimated):
    return np.mean(np.abs(h - estimated) ** 2)


@pytest.mark.parametrize("length", [2, 4, 7])
def test_dft_pilots_have_full_power_and_orthogonal_rows(length):
    x = dft_pilots(K, length, POWER)
    np.testing.assert_allclose(np.sum(np.abs(x) ** 2, axis=1), POWER * length, rtol=1e-6)
    if length >= K:
        np.testing.assert_allclose(x @ x.conj().T, POWER * length * np.eye(K), atol=1e-5)


@pytest.mark.parametrize("length", [4, 6])
def test_least_squares_is_exact_without_noise(rng, length):
    x = complex_normal(rng, K, length)
    h, y = received(rng, x, 10, noise=0.0)
    np.testing.assert_allclose(estimate(y, least_squares_matrix(x)), h, atol=1e-4)


def test_least_squares_error_is_noise_over_pilot_energy(rng):
    x = dft_pilots(K, 8, POWER)
    h, y = received(rng, x)
    assert mse(h, estimate(y, least_squares_matrix(x))) == pytest.approx(NOISE / (POWER * 8), rel=0.02)


@pytest.mark.parametrize("length", [2, 3, 4, 6])
def test_scaled_least_squares_scale_is_the_best_one(rng, length):
    x = dft_pilots(K, length, POWER)
    h, y = received(rng, x)
    matrix = scaled_least_squares_matrix(x, 1.0, NOISE)
    at_optimum = mse(h, estimate(y, matrix))
    for factor in (0.9, 1.1):
        assert at_optimum < mse(h, estimate(y, factor * matrix))


@pytest.mark.parametrize("length", [2, 3, 4, 6])
def test_lmmse_beats_all_other_linear_estimators(rng, length):
    """Correlated users with unequal powers and a mean, for L >= K and L < K."""
    root = complex_normal(rng, K, K)
    mean = complex_normal(rng, M, K)
    x = complex_normal(rng, K, length)
    h = complex_normal(rng, 4000, M, K) @ root + mean
    y = h @ x + np.sqrt(NOISE) * complex_normal(rng, 4000, M, length)
    matrix = lmmse_matrix(x, M * root.conj().T @ root, M, NOISE)
    best = mse(h, estimate(y, matrix, mean, x))
    centred_h, centred_y = (h - mean).reshape(-1, K), (y - mean @ x).reshape(-1, length)
    empirical = np.linalg.lstsq(centred_y, centred_h, rcond=None)[0]
    assert best == pytest.approx(mse(centred_h, centred_y @ empirical), rel=0.01)


def test_channel_statistics_find_mean_and_covariance(rng):
    root, mean = complex_normal(rng, K, K), complex_normal(rng, M, K)
    found_mean, covariance = channel_statistics(complex_normal(rng, 20_000, M, K) @ root + mean)
    np.testing.assert_allclose(found_mean, mean, atol=0.1)
    np.testing.assert_allclose(covariance / M, root.conj().T @ root, atol=0.05)


def test_too_few_pilots_are_named():
    with pytest.raises(ValueError, match="users=4 needs at least 4 pilot symbols for least squares, got pilots=3"):
        least_squares_matrix(dft_pilots(4, 3, 1.0))


def test_dependent_pilots_are_named():
    with pytest.raises(ValueError, match="linearly dependent"):
        least_squares_matrix(np.ones((2, 4), np.complex64))


@pytest.mark.parametrize(
    "call",
    [
        lambda: dft_pilots(4, 4, -1.0),
        lambda: scaled_least_squares_matrix(np.eye(2), -1.0, 1.0),
        lambda: lmmse_matrix(np.eye(2), np.eye(3), 4, 1.0),
        lambda: lmmse_matrix(np.eye(2), np.eye(2), 4, 0.0),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError, match="-1|shape|noise_power"):
        call()
