from dataclasses import replace

import numpy as np
import pytest

from sim.world.scenario import Scenario


def direct(table, users, antennas, carrier, spacing_wavelengths, loss_db):
    """Float64 sum over paths, straight from the formula."""
    gain = 10 ** ((table.gain_db[carrier].astype(float)[users] - loss_db) / 20)
    f = table.carriers_hz[carrier]
    coefficient = gain * np.exp(1j * (table.phase_rad[carrier].astype(float) - 2 * np.pi * f * table.delay_s[carrier])[users])
    steering = np.exp(2j * np.pi * spacing_wavelengths * table.cosine[carrier][users][..., None] * np.arange(antennas))
    return (coefficient[..., None] * steering).sum(-2)


@pytest.mark.parametrize("antennas", [1, 16, 61, 128])
def test_channels_equal_the_formula(antennas):
    s = Scenario(antennas=antennas, users=1)
    index = range(200)
    h_ul, h_dl = s.channels(index)
    users = s.user_positions(index)
    up = direct(s.path_table(), users, antennas, 0, 0.5, 30.0)
    down = direct(s.path_table(), users, antennas, 1, 0.5, 30.0)
    assert h_ul.dtype == h_dl.dtype == np.complex64
    assert np.linalg.norm(h_ul.swapaxes(1, 2) - up) < 1e-4 * np.linalg.norm(up)
    assert np.linalg.norm(h_dl - down.conj()) < 1e-4 * np.linalg.norm(down)


def test_one_physical_array_has_shorter_uplink_spacing():
    s = Scenario(antennas=32, users=2, spacing="physical")
    index = range(10)
    expected = direct(s.path_table(), s.user_positions(index), 32, 0, 0.5 * 2.4 / 2.5, 30.0)
    assert np.linalg.norm(s.uplink(index).swapaxes(1, 2) - expected) < 1e-4 * np.linalg.norm(expected)
    np.testing.assert_array_equal(s.downlink(index), replace(s, spacing="half-wavelength").downlink(index))


def test_link_loss_scales_both_carriers():
    s = Scenario(users=2)
    louder = replace(s, link_loss_db=10.0)
    np.testing.assert_allclose(louder.uplink(range(3)), 10 * s.uplink(range(3)), rtol=1e-5)
    np.testing.assert_allclose(louder.downlink(range(3)), 10 * s.downlink(range(3)), rtol=1e-5)
