import numpy as np
import pytest

from sim.precoding import regularized_zero_forcing, zero_forcing
from sim.rate import sum_rate
from sim.wmmse_mimo import wmmse_mimo
from sim.wmmse_miso import wmmse_miso
from sim.world.scenario import Scenario
from tests.streams import complex_normal


def classic_wmmse(h, power, noise, iterations):
    """Shi et al. 2011, Table I, in antenna space with a bisected multiplier; h (M, K)."""
    antennas = len(h)
    v = regularized_zero_forcing(h[None].astype(np.complex64), power, noise)[0].astype(complex)
    for _ in range(iterations):
        g = h.conj().T @ v
        u = np.diag(g) / (np.sum(np.abs(g) ** 2, axis=1) + noise)
        w = 1 / (1 - (u.conj() * np.diag(g)).real)
        a = h * (w * np.abs(u) ** 2) @ h.conj().T
        b = h * (w * u)
        values, vectors = np.linalg.eigh(a)
        energy = np.sum(np.abs(vectors.conj().T @ b) ** 2, axis=1)
        low, high = 0.0, np.sqrt(energy.sum() / power)
        for _ in range(100):
            mu = (low + high) / 2
            low, high = (mu, high) if np.sum(energy / (np.maximum(values, 0) + mu) ** 2) > power else (low, mu)
        v = np.linalg.solve(a + high * np.eye(antennas), b)
    return v


def test_sum_rate_equals_classic_wmmse():
    s = Scenario(antennas=16, users=8)
    h_dl = s.downlink(range(3))
    h = np.ascontiguousarray(h_dl.conj().swapaxes(1, 2))
    ours = sum_rate(h_dl @ wmmse_miso(h, s.downlink_power, s.noise_power, 400), s.noise_power)
    for b in range(3):
        v = classic_wmmse(h[b].astype(complex), s.downlink_power, s.noise_power, 400)
        assert ours[b] == pytest.approx(sum_rate((h_dl[b] @ v)[None], s.noise_power)[0], rel=2e-3)


@pytest.mark.parametrize(("antennas", "users"), [(4, 4), (16, 8), (64, 8), (32, 13)])
def test_sum_rate_never_decreases(rng, antennas, users):
    h = complex_normal(rng, 11, antennas, users)
    last = np.zeros(11)
    for iterations in (0, 1, 2, 3, 5, 8, 13, 40, 100, 200):
        rate = sum_rate(h.conj().swapaxes(1, 2) @ wmmse_miso(h, 3.0, 0.05, iterations), 0.05)
        assert (rate >= last * (1 - 1e-6)).all()
        last = rate


@pytest.mark.parametrize("noise_dbm", [-150.0, -101.0, -60.0])
def test_sum_rate_never_decreases_on_correlated_channels(noise_dbm):
    """Users of one room, from noise that hardly matters to noise that drowns all of them but one."""
    s = Scenario(antennas=16, users=8, noise_dbm=noise_dbm)
    h_dl = s.downlink(range(40))
    h = np.ascontiguousarray(h_dl.conj().swapaxes(1, 2))
    last = np.zeros(40)
    for iterations in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        rate = sum_rate(h_dl @ wmmse_miso(h, s.downlink_power, s.noise_power, iterations), s.noise_power)
        assert (rate >= last * (1 - 1e-6)).all()
        last = rate


@pytest.mark.parametrize(("antennas", "users"), [(1, 1), (16, 8), (32, 2), (32, 11)])
@pytest.mark.parametrize("favoured", [1.0, 7.0])
def test_it_is_the_iteration_with_products_of_matrices(antennas, users, favoured):
    s = Scenario(antennas=antennas, users=users)
    h_dl = s.downlink(range(10))
    h = np.ascontiguousarray(h_dl.conj().swapaxes(1, 2))
    arguments = (s.downlink_power, s.noise_power, 50, [favoured] + [1.0] * (users - 1))
    general = wmmse_mimo(h_dl[:, :, None], 1, *arguments)[..., 0].swapaxes(1, 2)
    np.testing.assert_allclose(wmmse_miso(h, *arguments), general, atol=1e-6 * np.abs(general).max())


def test_nearly_dependent_users_are_computed_in_double_precision(rng):
    """Users whose channels differ by a thousandth; the rates are those of the NumPy form with LAPACK's inverses."""
    h = (complex_normal(rng, 20, 31, 15) @ (np.eye(15) + 1000 * np.ones((15, 15)))).astype(np.complex64)
    rows = h.conj().swapaxes(1, 2)
    general = wmmse_mimo(rows[:, :, None], 1, 1.0, 1e-3, 150)[..., 0].swapaxes(1, 2)
    np.testing.assert_allclose(sum_rate(rows @ wmmse_miso(h, 1.0, 1e-3, 150), 1e-3), sum_rate(rows @ general, 1e-3), rtol=1e-4)


def test_a_channel_gives_the_same_precoder_alone_and_among_others(rng):
    h = complex_normal(rng, 37, 16, 5)
    together = wmmse_miso(h, 2.0, 0.1, 30)
    for part in (slice(0, 1), slice(3, 4), slice(5, 37)):
        np.testing.assert_array_equal(wmmse_miso(h[part], 2.0, 0.1, 30), together[part])


def test_users_that_nothing_reaches_get_no_power(rng):
    h = complex_normal(rng, 3, 8, 4)
    h[0] = 0.0
    h[1, :, 2] = 0.0
    v = wmmse_miso(h, 2.0, 0.1, 100)
    np.testing.assert_array_equal(v[0], 0.0)
    np.testing.assert_array_equal(v[1, :, 2], 0.0)
    np.testing.assert_allclose((np.abs(v[1:]) ** 2).sum((1, 2)), 2.0, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_the_unit_of_the_channel_leaves_the_rate_alone(rng, scale):
    """Also where two users share a place and another is far away, so that some are given no power."""
    h = complex_normal(rng, 4, 16, 6).astype(complex)
    h[:, :, 5] = h[:, :, 0]
    h[:, :, 4] *= 1e-4
    rates = [sum_rate(c * h.conj().swapaxes(1, 2) @ wmmse_miso(c * h, 2.0, 0.1 * c**2, 200), 0.1 * c**2) for c in (1.0, scale)]
    np.testing.assert_allclose(*rates, rtol=1e-5)


def test_starts_from_regularised_zero_forcing(rng):
    h = complex_normal(rng, 3, 8, 4)
    np.testing.assert_allclose(wmmse_miso(h, 2.0, 0.1, 0), regularized_zero_forcing(h, 2.0, 0.1), atol=1e-6)


def test_weights_favour_a_user(rng):
    h = complex_normal(rng, 20, 4, 4)
    gain = []
    for weights in (np.ones(4), np.array([10.0, 1, 1, 1])):
        g = h.conj().swapaxes(1, 2) @ wmmse_miso(h, 1.0, 0.5, 50, weights)
        gain.append(np.abs(g[:, 0, 0]).mean())
    assert gain[1] > gain[0]


@pytest.mark.parametrize(("antennas", "expected"), [(16, 0.51), (32, 0.79), (64, 0.89), (128, 0.93)])
def test_zero_forcing_reaches_the_known_share_of_wmmse(antennas, expected):
    """Default scenario, perfect CSI, K = 8, 500 test blocks."""
    s = Scenario(antennas=antennas)
    h_dl = s.downlink(range(500))
    h = h_dl.conj().swapaxes(1, 2)
    best = sum_rate(h_dl @ wmmse_miso(h, s.downlink_power, s.noise_power, 200), s.noise_power).mean()
    zf = sum_rate(h_dl @ zero_forcing(h, s.downlink_power), s.noise_power).mean()
    assert zf / best == pytest.approx(expected, abs=0.02)
    if antennas == 64:
        assert best == pytest.approx(38, abs=1.5)


@pytest.mark.parametrize("change", [{"noise_power": 0.0}, {"iterations": -1}, {"weights": [1.0, -1.0]}, {"weights": [1.0]}])
def test_bad_arguments_are_named(rng, change):
    arguments = {"power": 1.0, "noise_power": 1.0} | change
    with pytest.raises(ValueError, match=next(iter(change))):
        wmmse_miso(complex_normal(rng, 1, 4, 2), **arguments)
