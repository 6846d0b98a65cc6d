import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from trained.inference.parts.dense import dense, layer, padded_width
from trained.inference.parts.lanes import load, store


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (5, 31), (64, 32), (70, 33), (260, 100)])
def test_a_layer_is_the_matrix_product(rng, inputs, outputs):
    weight, bias = rng.standard_normal((outputs, inputs)).astype(np.float32), rng.standard_normal(outputs).astype(np.float32)
    x = rng.standard_normal((8, inputs + 3)).astype(np.float32)
    out = np.full((8, padded_width(outputs)), np.nan, np.float32)
    expected = x[:, :inputs] @ weight.T + bias
    for rectify in (False, True):
        dense(x, *layer(weight, bias), rectify, out)
        np.testing.assert_allclose(out[:, :outputs], np.maximum(expected, 0) if rectify else expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(out[:, outputs:], 0)


def test_a_row_does_not_depend_on_its_neighbours(rng):
    made = layer(rng.standard_normal((40, 17)).astype(np.float32))
    x, out, alone = rng.standard_normal((12, 17)).astype(np.float32), np.empty((12, 64), np.float32), np.empty((4, 64), np.float32)
    dense(x, *made, True, out)
    dense(x[[7, 7, 7, 7]], *made, True, alone)
    np.testing.assert_array_equal(alone, out[[7, 7, 7, 7]])


def test_a_rectifier_keeps_what_is_not_a_number():
    x, out = np.full((4, 1), np.nan, np.float32), np.zeros((4, 32), np.float32)
    dense(x, *layer(np.ones((1, 1), np.float32)), True, out)
    assert np.isnan(out[:, 0]).all()


@pytest.mark.parametrize("wrong", [np.zeros(32), np.zeros((32, 2), np.float32)[:, 0]], ids=["float64", "not contiguous"])
def test_lanes_of_another_kind_of_array_are_refused(wrong):
    @njit
    def copied(array):
        store(array, 0, load(array, 16))

    with pytest.raises(TypingError, match="C-ordered float32 arrays"):
        copied(wrong)
