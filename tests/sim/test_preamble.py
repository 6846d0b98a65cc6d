import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.preamble import carrier_offset, likeness, preamble_snr, shift_carrier, zadoff_chu
from tests.streams import complex_normal

Z = zadoff_chu(61, 25)


@given(st.sampled_from([7, 61, 63, 127, 139]), st.integers(1, 300), st.floats(0.01, 100))
def test_zadoff_chu_has_constant_modulus_and_no_periodic_correlation(length, root, power):
    if math.gcd(root, length) > 1:
        with pytest.raises(ValueError, match=f"root={root} and length={length}"):
            zadoff_chu(length, root)
        return
    z = zadoff_chu(length, root, power).astype(complex)
    np.testing.assert_allclose(np.abs(z) ** 2, power, rtol=1e-5)
    correlation = np.fft.ifft(np.abs(np.fft.fft(z)) ** 2)
    assert np.abs(correlation[1:]).max() < 1e-4 * correlation[0].real


@pytest.mark.parametrize("length", [0, 6, 62, 128])
def test_zadoff_chu_refuses_even_and_short_lengths(length):
    with pytest.raises(ValueError, match=f"length={length}"):
        zadoff_chu(length)


@pytest.mark.parametrize(("length", "antennas"), [(61, 1), (130, 3), (500, 2)])
def test_likeness_is_the_share_of_energy_along_the_preamble(length, antennas):
    x = complex_normal(np.random.default_rng(1), length, antennas)
    windows = np.lib.stride_tricks.sliding_window_view(x, 61, axis=0).astype(complex)
    expected = (np.abs(windows @ Z.conj()) ** 2).sum(1) / (61 * (np.abs(windows) ** 2).sum((1, 2)))
    np.testing.assert_allclose(likeness(x, Z), expected, rtol=1e-4, atol=1e-6)


def test_likeness_of_the_preamble_is_one_of_silence_zero_and_of_few_samples_nothing():
    x = np.zeros((300, 2), np.complex64)
    x[100:161] = 1e-6 * Z[:, None] * np.array([1, 2j])
    alike = likeness(x, Z)
    assert alike.argmax() == 100 and alike[100] == pytest.approx(1, abs=1e-5) and alike[0] == alike[-1] == 0
    assert likeness(x[:60], Z).shape == (0,)


@pytest.mark.parametrize("antennas", [1, 4])
def test_false_alarms_in_noise_are_as_rare_as_stated(antennas):
    z, threshold = zadoff_chu(13, 5), 0.3
    share = (likeness(complex_normal(np.random.default_rng(2), 400_000, antennas), z) >= threshold).mean()
    one = (1 - threshold) ** 12
    if antennas == 1:
        assert share == pytest.approx(one, rel=0.05)
    else:
        assert share < 0.2 * one


@pytest.mark.parametrize("offset", [0.0, 1e-3, -4e-3, 0.0155])
def test_carrier_offset_is_found_and_taken_off(offset):
    clean = Z[:, None] * complex_normal(np.random.default_rng(3), 8)
    shifted = shift_carrier(clean, offset)
    assert shifted.dtype == np.complex64
    assert carrier_offset(shifted, Z) == pytest.approx(offset, abs=1e-7)
    np.testing.assert_allclose(shift_carrier(shifted, -offset), clean, atol=1e-5)


@pytest.mark.parametrize("snr_db", [-5, 10, 30])
def test_snr_estimate_is_unbiased(snr_db):
    rng = np.random.default_rng(4)
    h = np.exp(2j * np.pi * rng.random(16))
    found = [
        preamble_snr((Z[:, None] * h + 10 ** (-snr_db / 20) * complex_normal(rng, 61, 16)).astype(np.complex64), Z) for _ in range(100)
    ]
    assert 10 * np.log10(np.mean(found)) == pytest.approx(snr_db, abs=0.15)
    assert preamble_snr(np.zeros((61, 2), np.complex64), Z) == 0
