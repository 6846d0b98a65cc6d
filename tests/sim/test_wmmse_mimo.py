import numpy as np
import pytest

from sim.rate import effective_channel, sum_rate
from sim.wmmse_mimo import wmmse_classic, wmmse_mimo
from sim.wmmse_miso import wmmse_miso
from tests.streams import complex_normal


def channels(blocks, users, antennas, m, seed=0):
    return complex_normal(np.random.default_rng(seed), blocks, users, antennas, m).astype(complex)


@pytest.mark.parametrize(("users", "antennas", "streams", "m"), [(4, 2, 2, 16), (3, 2, 1, 8), (4, 1, 1, 6), (2, 3, 2, 12)])
@pytest.mark.parametrize("power", [1.0, 10.0])
def test_it_ends_where_the_classic_form_ends(users, antennas, streams, m, power):
    h = channels(3, users, antennas, m)
    rates = [sum_rate(effective_channel(h, f(h, streams, power, 1.0, 1500)), 1.0) for f in (wmmse_mimo, wmmse_classic)]
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-6)


def test_the_rate_never_decreases_and_the_power_is_met():
    h = channels(6, 4, 2, 16)
    before = np.zeros(6)
    for iterations in range(0, 40, 3):
        v = wmmse_mimo(h, 2, 10.0, 1.0, iterations)
        rate = sum_rate(effective_channel(h, v), 1.0)
        assert (rate >= before - 1e-9).all()
        np.testing.assert_allclose((np.abs(v) ** 2).sum((1, 2, 3)), 10.0)
        before = rate
    assert ((np.abs(wmmse_classic(h, 2, 10.0, 1.0, 20)) ** 2).sum((1, 2, 3)) <= 10.0 * (1 + 1e-9)).all()


def test_with_one_antenna_per_user_it_is_the_kernel_for_those():
    h = channels(5, 4, 1, 12)
    v = wmmse_mimo(h, 1, 10.0, 1.0, 60)[..., 0].swapaxes(1, 2)
    rows = h[:, :, 0].astype(np.complex64)
    kernel = wmmse_miso(np.ascontiguousarray(rows.conj().swapaxes(1, 2)), 10.0, 1.0, 60)
    np.testing.assert_allclose(sum_rate(rows @ v.astype(np.complex64), 1.0), sum_rate(rows @ kernel, 1.0), rtol=1e-5)
    np.testing.assert_allclose(
        sum_rate(effective_channel(h, v.swapaxes(1, 2)[..., None]), 1.0), sum_rate(rows @ v.astype(np.complex64), 1.0), rtol=1e-5
    )


def test_weights_favour_users():
    h = channels(6, 3, 2, 8)

    def own(v, k):
        e = h[:, k, None] @ v
        power = e @ e.conj().swapaxes(-1, -2)
        rest = power.sum(1) - power[:, k] + np.eye(2)
        return np.linalg.slogdet(rest + power[:, k])[1] - np.linalg.slogdet(rest)[1]

    plain, favoured = (wmmse_mimo(h, 2, 10.0, 1.0, 200, w) for w in (None, [5.0, 1.0, 1.0]))
    assert own(favoured, 0).mean() > own(plain, 0).mean()


@pytest.mark.parametrize(
    ("shape", "streams", "words"),
    [
        ((2, 3, 2, 8), 3, "streams=3"),
        ((2, 3, 2, 4), 2, "needs at least 6 antennas"),
        ((3, 2, 8), 1, "expected"),
        ((2, 3, 2, 8), 0, "streams=0"),
    ],
)
def test_bad_shapes_are_named(shape, streams, words):
    with pytest.raises(ValueError, match=words):
        wmmse_mimo(np.ones(shape), streams, 1.0, 1.0)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0, 1.0]])
def test_bad_weights_are_named(weights):
    with pytest.raises(ValueError, match="3 positive numbers"):
        wmmse_classic(channels(1, 3, 2, 8), 1, 1.0, 1.0, weights=weights)
