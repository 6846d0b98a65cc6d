import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from blocks import WaterFilling, ZFPrecoder, run_block
from sim.water_filling import water_filling
from tests.streams import complex_normal

GAINS = arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.one_of(st.just(0.0), st.floats(1e-6, 1e6)))


@given(GAINS, st.floats(1e-3, 1e3), st.floats(1e-6, 1e3))
@example(np.array([[1e-6]]), 1e-3, 17.0)
def test_the_optimality_conditions_hold(gains, power, noise):
    if not (gains.max(1) > 0).all():
        with pytest.raises(ValueError, match="all gains are zero"):
            water_filling(gains, power, noise)
        return
    p = water_filling(gains, power, noise)
    np.testing.assert_allclose(p.sum(1), power, rtol=1e-6)
    with np.errstate(divide="ignore"):
        floors = noise / gains
    for powers, floor in zip(p, floors, strict=True):
        level = (powers + floor)[powers > 0]
        assert np.ptp(level) <= 1e-6 * level.max()
        assert (floor[powers == 0] >= level.max() * (1 - 1e-6)).all()


def test_no_other_allocation_is_better():
    rng = np.random.default_rng(1)
    gains = rng.exponential(size=6)
    best = np.log2(1 + gains * water_filling(gains, 3.0, 0.5) / 0.5).sum()
    others = 3.0 * rng.dirichlet(np.ones(6), 5000)
    assert best >= np.log2(1 + gains * others / 0.5).sum(1).max()


def test_zero_forcing_with_water_filling_is_never_worse():
    h = complex_normal(np.random.default_rng(2), 50, 12, 6) * np.linspace(0.1, 1, 6).astype(np.float32)
    v = run_block(ZFPrecoder(2.0), h_est=h)["v"]
    filled = run_block(WaterFilling(2.0, 0.5), v=v, h_est=h)["v"]
    np.testing.assert_allclose((np.abs(filled) ** 2).sum((1, 2)), 2.0, rtol=1e-5)

    def rate(v):
        g = np.abs(h.conj().swapaxes(1, 2) @ v) ** 2
        signal = np.einsum("bkk->bk", g)
        return np.log2(1 + signal / (g.sum(2) - signal + 0.5)).sum(1)

    equal = v / np.linalg.norm(v, axis=1, keepdims=True) * np.float32(np.sqrt(2.0 / 6))
    assert (rate(filled) >= rate(v) - 1e-4).all() and (rate(filled) >= rate(equal) - 1e-4).all()


@pytest.mark.parametrize(
    ("gains", "power", "words"),
    [
        ([1.0, -1.0], 1.0, "finite numbers >= 0"),
        ([np.nan], 1.0, "finite"),
        ([1.0], 0.0, "power=0"),
        ([0.0, 0.0], 1.0, "all gains are zero"),
    ],
)
def test_bad_numbers_are_named(gains, power, words):
    with pytest.raises(ValueError, match=words):
        water_filling(gains, power, 1.0)
