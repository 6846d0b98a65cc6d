"""QAM: Gray neighbours, unit power, decisions, and error rates of the textbook."""

import math

import numpy as np
import pytest

from sim.modulation import ORDERS, constellation, decide, random_symbols, received_quality
from tests.streams import complex_normal


@pytest.mark.parametrize("order", ORDERS)
def test_points_have_unit_power_and_neighbours_differ_in_one_bit(order):
    points = constellation(order)
    assert np.mean(np.abs(points) ** 2) == pytest.approx(1, rel=1e-6)
    distance = np.abs(points[:, None] - points[None, :])
    near = np.argwhere(np.isclose(distance, distance[distance > 0].min(), rtol=1e-3))
    assert all((a ^ b).bit_count() == 1 for a, b in near.tolist())


@pytest.mark.parametrize("order", ORDERS)
def test_decisions_undo_small_errors(order, rng):
    sent = random_symbols(order, 1, range(5), (3, 20))
    half = np.sqrt(1.5 / (order - 1))
    np.testing.assert_allclose(decide(sent + np.complex64(0.9 * half * (1 - 1j)), order), sent, atol=1e-6)
    np.testing.assert_allclose(
        decide(2 * sent, order)[np.abs(sent.real) + np.abs(sent.imag) > 1.99 * np.abs(sent).max() / np.sqrt(2)],
        sent[np.abs(sent.real) + np.abs(sent.imag) > 1.99 * np.abs(sent).max() / np.sqrt(2)],
        atol=1e-6,
    )


@pytest.mark.parametrize("order, snr_db", [(4, 8), (16, 15), (64, 21)])
def test_symbol_error_rate_is_that_of_the_textbook(order, snr_db, rng):
    """Proakis, Digital Communications, square QAM in white Gaussian noise."""
    sent, snr = random_symbols(order, 0, range(4), (100_000,)), 10 ** (snr_db / 10)
    found = np.mean(np.abs(decide(sent + complex_normal(rng, *sent.shape) / np.sqrt(snr), order) - sent) > 1e-3)
    one = 2 * (1 - 1 / math.isqrt(order)) * 0.5 * math.erfc(math.sqrt(1.5 * snr / (order - 1)))
    assert found == pytest.approx(1 - (1 - one) ** 2, rel=0.06)


def test_measured_sinr_is_the_true_one(rng):
    sent = random_symbols(16, 0, range(50), (2, 2000))
    received = (3 - 2j) * sent + 0.5 * complex_normal(rng, *sent.shape)
    gain, sinr = received_quality(received, sent)
    np.testing.assert_allclose(gain, 3 - 2j, atol=0.1)
    assert sinr.mean() == pytest.approx(13 / 0.25, rel=0.01)


def test_symbols_depend_on_their_block_alone():
    np.testing.assert_array_equal(random_symbols(16, 3, range(10), (5,))[4:7], random_symbols(16, 3, range(4, 7), (5,)))
    assert len(np.unique(random_symbols(64, 0, range(100), (64,)))) == 64


@pytest.mark.parametrize("order", [0, 2, 8, 32, 17])
def test_other_orders_are_refused(order):
    with pytest.raises(ValueError, match=f"order={order}"):
        constellation(order)


def test_one_symbol_is_too_few_to_measure():
    with pytest.raises(ValueError, match="symbols=1"):
        received_quality(np.ones((1, 1)), np.ones((1, 1)))
