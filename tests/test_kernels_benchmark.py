import shutil

import numpy as np
import pytest

from benchmarks.kernels import c_wmmse, main
from sim.wmmse import wmmse
from tests.streams import complex_normal


def test_every_kernel_is_compared(capsys):
    main(batch=8, seconds=0.0, sizes=(2,))
    lines = capsys.readouterr().out.splitlines()
    assert sum("NumPy" in line for line in lines) == 5
    assert sum("WMMSE, K=2" in line for line in lines) == 2


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize("users", [1, 5, 8])
def test_the_c_kernel_gives_the_same_precoders(rng, users):
    h = complex_normal(rng, 8, 16, users)
    np.testing.assert_allclose(c_wmmse(users)(h, 2.0, 0.1, 30), wmmse(h, 2.0, 0.1, 30), atol=1e-5)
