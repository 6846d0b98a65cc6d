import numpy as np
import pytest
import torch

from sim.rate import sum_rate
from sim.structured import structured_precoder
from sim.world.scenario import Scenario
from tests.support import untrained
from tests.trained.small import ROOM
from trained.networks import Size
from trained.networks.calibrated import Calibrated
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


def started(rng, antennas=16, **sizes):
    network = untrained(Calibrated, antennas, 1, **{"regions": 4, "cells": 2, "rank": 2, "hidden": 8, **sizes})
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


@pytest.mark.parametrize(("field", "value"), [("regions", 0), ("cells", 0), ("rank", 0), ("hidden", -1), ("mixture_rate", 0.0)])
def test_a_hyper_parameter_that_cannot_be_is_named(field, value):
    with pytest.raises(ValueError, match=f"{field}={value}"):
        Calibrated.Config(**{field: value})


def test_more_cells_than_training_positions_are_refused():
    network = Calibrated(Size(16, 2, 4), Calibrated.Config(regions=1000, cells=2))
    with pytest.raises(ValueError, match="regions=1000 with cells=2 each are more than the 1600 training positions"):
        network.start(Scenario(antennas=16, users=4, world=ROOM, split="train"), torch.Generator())


def test_the_mixture_gets_its_share_of_the_learning_rate(rng):
    others, mixture = started(rng, mixture_rate=0.25).parameter_groups()
    assert (others["share"], mixture["share"]) == (1.0, 0.25)
    assert others["params"] and mixture["params"]
