import numpy as np
import pytest

from sim.gram import combine, gram, invert_hermitian
from tests.streams import complex_normal


@pytest.mark.parametrize(("antennas", "users"), [(1, 1), (7, 3), (64, 8), (33, 16)])
def test_the_kernels_equal_their_formulas(rng, antennas, users):
    h = complex_normal(rng, antennas, users)
    g = np.empty((users, users), complex)
    gram(h, g)
    exact = h.conj().T.astype(complex) @ h
    np.testing.assert_allclose(g, exact, rtol=1e-12, atol=1e-12)
    x = g + np.eye(users)
    assert invert_hermitian(x)
    np.testing.assert_allclose(x, np.linalg.inv(exact + np.eye(users)), rtol=1e-10, atol=1e-12)
    v = np.empty_like(h)
    combine(h, x, v)
    np.testing.assert_allclose(v, h @ x, rtol=1e-6, atol=1e-6)


def test_a_gram_matrix_is_hermitian_to_the_last_bit(rng):
    g = np.empty((9, 9), complex)
    gram(complex_normal(rng, 50, 9), g)
    np.testing.assert_array_equal(g, g.conj().T)


def test_a_singular_matrix_is_told(rng):
    h = complex_normal(rng, 8, 3)
    h[:, 2] = h[:, 0]
    g = np.empty((3, 3), complex)
    gram(h, g)
    assert not invert_hermitian(g)
    assert not invert_hermitian(np.full((2, 2), np.nan, complex))
