import numpy as np
import pytest
import torch

from sim.rate import sum_rate
from sim.structured import structured_precoder
from trained.networks.calibrated import Calibration
from trained.networks.parts.powers import PowerRounds
from trained.store import load_network

NOISE, POWER, USER_NOISE = 2e-12, 3.16, 3.16e-9


@pytest.fixture(scope="module")
def network():
    return load_network("calibrated-m64")[0]


def channels(rng, blocks=5, antennas=64, users=6, scale=3e-6):
    values = rng.standard_normal((2, blocks, antennas, users)) * scale
    return torch.complex(*torch.from_numpy(values).float())


@torch.inference_mode()
def outputs(network, h):
    return network(h, NOISE, POWER, USER_NOISE)


def precoder(network, h):
    h, p, q = (x.numpy() for x in outputs(network, h))
    return structured_precoder(h, p, q, USER_NOISE)


def test_permuting_users_permutes_everything(rng, network):
    h, order = channels(rng), rng.permutation(6)
    for a, b in zip(outputs(network, h[..., order]), outputs(network, h), strict=True):
        torch.testing.assert_close(a, b[..., order], rtol=1e-4, atol=1e-4 * float(b.abs().max()))


def test_user_phase_carries_over_to_its_channel_and_leaves_the_rate_alone(rng, network):
    h = channels(rng)
    turn = torch.polar(torch.ones(6), torch.from_numpy(rng.uniform(0, 6.28, 6)).float())
    (a, p, q), (b, p_turned, q_turned) = outputs(network, h), outputs(network, h * turn)
    torch.testing.assert_close(b, a * turn, rtol=1e-3, atol=1e-3 * float(a.abs().max()))
    torch.testing.assert_close(p, p_turned, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(q, q_turned, rtol=1e-3, atol=1e-4)
    true = channels(rng).numpy().conj().swapaxes(1, 2)
    rates = [sum_rate(true @ precoder(network, x), USER_NOISE) for x in (h, h * turn)]
    np.testing.assert_allclose(*rates, rtol=1e-3)


@pytest.mark.parametrize("users", [1, 2, 7, 16, 40])
def test_one_network_serves_any_number_of_users_and_uses_all_power(rng, network, users):
    v = precoder(network, channels(rng, users=users))
    np.testing.assert_allclose(np.sum(np.abs(v) ** 2, axis=(1, 2)), POWER, rtol=1e-4)


@pytest.mark.parametrize(
    "make",
    [lambda h: h * 0, lambda h: h * 1e-15, lambda h: h * 1e12, lambda h: h[..., :1].expand_as(h)],
    ids=["zero", "tiny", "huge", "rank one"],
)
def test_output_is_finite_for_degenerate_input(rng, network, make):
    h = make(channels(rng)).clone()
    for value in outputs(network, h):
        assert torch.isfinite(torch.view_as_real(value) if value.is_complex() else value).all()
    assert np.isfinite(precoder(network, h)).all()


def test_every_user_keeps_power_above_zero(rng):
    powers = PowerRounds(16, rounds=1, floor=0.01)
    torch.nn.init.normal_(powers.rounds[0].out.weight, std=30.0)
    p, q = powers(channels(rng), [], POWER, USER_NOISE)
    assert p.min() >= 0.009 * POWER / 6 and q.min() > 0
    torch.testing.assert_close(p.sum(1), torch.full((5,), POWER))


def started(rng, antennas=16, **sizes):
    network = Calibration(antennas, **{"regions": 4, "cells": 2, "rank": 2, "hidden": 8, **sizes})
    places = [torch.complex(*torch.from_numpy(rng.standard_normal((2, 400, antennas)) * 3e-6).float()) for _ in range(2)]
    network.mixture.start_from(*places, torch.from_numpy(rng.random((400, 3))).float(), torch.Generator().manual_seed(0))
    return network


def test_gradients_are_finite_at_the_start(rng):
    network = started(rng)
    h, p, q = network(channels(rng, antennas=16), NOISE, POWER, USER_NOISE)
    (h.abs().sum() + p.sum() + q.log().sum()).backward()
    assert all(torch.isfinite(x.grad).all() for x in network.parameters() if x.grad is not None)
    assert network.mixture.cells.keys.grad.abs().max() > 0 and network.mixture.regions.keys.grad is None


@pytest.mark.parametrize("antennas", [1, 3])
def test_arrays_smaller_than_the_rank_work(rng, antennas):
    network = started(rng, antennas, rank=4)
    for value in outputs(network, channels(rng, antennas=antennas, users=1)):
        assert torch.isfinite(torch.view_as_real(value) if value.is_complex() else value).all()
