import numpy as np
import pytest

from sim.noise import Stream, complex_normal
from sim.philox import philox_key, philox_words

# Known answers: Random123 distribution, tests/kat_vectors, philox4x32 with 10 rounds.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_gives_the_published_words(counter, key, words):
    found = philox_words(np.array([counter], np.uint32), np.array(key, np.uint32))
    assert tuple(int(w) for w in found[0]) == words


def test_noise_is_gaussian():
    x = complex_normal(7, Stream.UPLINK_NOISE, range(2000), (64, 8), 2.0).astype(complex).ravel()
    parts = np.concatenate([x.real, x.imag])
    n = len(parts)
    assert abs(parts.mean()) < 5 / np.sqrt(n)
    assert parts.var() == pytest.approx(1.0, abs=5 * np.sqrt(2 / n))
    assert (parts**3).mean() == pytest.approx(0.0, abs=5 * np.sqrt(15 / n))
    assert (parts**4).mean() == pytest.approx(3.0, abs=5 * np.sqrt(96 / n))
    assert abs((x.real * x.imag).mean()) < 5 / np.sqrt(n / 2)
    for threshold, tail in ((2, 0.0455003), (3, 0.0026998), (4, 6.3342e-5)):
        assert (abs(parts) > threshold).mean() == pytest.approx(tail, abs=5 * np.sqrt(tail / n))


def correlation(a, b):
    return abs(np.vdot(a, b)) / np.sqrt(np.vdot(a, a).real * np.vdot(b, b).real)


def test_noise_is_independent_across_streams_seeds_and_blocks():
    x = complex_normal(7, 2, range(500), (64, 8), 1.0).astype(complex)
    bound = 5 / np.sqrt(x.size)
    assert correlation(x, complex_normal(7, 3, range(500), (64, 8), 1.0)) < bound
    assert correlation(x, complex_normal(8, 2, range(500), (64, 8), 1.0)) < bound
    assert correlation(x, complex_normal(7 + 2**32, 2, range(500), (64, 8), 1.0)) < bound
    assert correlation(x[1:], x[:-1]) < 2 * bound
    assert correlation(x[:, 1:], x[:, :-1]) < 2 * bound


def test_noise_depends_on_the_block_alone():
    whole = complex_normal(1, 5, range(10, 30), (3, 3), 1.0)
    np.testing.assert_array_equal(whole[7:9], complex_normal(1, 5, range(17, 19), (3, 3), 1.0))
    assert not np.array_equal(complex_normal(1, 5, range(2**32, 2**32 + 1), (3,), 1.0), complex_normal(1, 5, range(1), (3,), 1.0))


def test_bad_variance_and_seed_are_named():
    with pytest.raises(ValueError, match="variance=-1"):
        complex_normal(0, 1, range(1), (1,), -1)
    with pytest.raises(ValueError, match="seed=-3"):
        philox_key(-3)
