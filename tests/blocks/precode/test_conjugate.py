import numpy as np

from blocks import Conjugate, ZFPrecoder, run_block
from tests.streams import complex_normal

EXAMPLE = (Conjugate, {"v": complex_normal(np.random.default_rng(5), 23, 8, 3)})


def test_a_conjugate_precoder_removes_the_interference_of_a_reciprocal_channel(rng):
    h = complex_normal(rng, 5, 8, 3)
    v = run_block(Conjugate(), **run_block(ZFPrecoder(2.0), h_est=h))["v"]
    g = h.swapaxes(1, 2) @ v
    np.testing.assert_allclose(g - np.einsum("bkk->bk", g)[..., None] * np.eye(3), 0, atol=1e-5)
