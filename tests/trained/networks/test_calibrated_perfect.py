import numpy as np
import pytest
import torch

from sim.structured import structured_precoder
from sim.world.scenario import Scenario
from tests.support import untrained
from trained.evaluation.reference import Reference
from trained.networks.calibrated_perfect import CalibratedPerfect
from trained.store import load_network

POWER, NOISE = 3.16, 3.16e-9


@pytest.fixture(scope="module")
def network():
    return load_network("calibrated-perfect")[0]


def channels(rng, blocks=5, antennas=32, users=6):
    return torch.complex(*torch.from_numpy(rng.standard_normal((2, blocks, antennas, users)) * 3e-5).float())


@torch.inference_mode()
def powers(network, h):
    return network(h, 1.0, POWER, NOISE)[1:]


@pytest.mark.parametrize(
    ("antennas", "users", "least"), [(16, 2, 0.998), (16, 16, 0.976), (32, 8, 0.998), (64, 8, 1.0), (64, 16, 1.0), (128, 8, 0.998)]
)
def test_shipped_network_keeps_up_with_two_hundred_wmmse_iterations(network, antennas, users, least):
    """Default scenario, perfect CSI, 500 test blocks; one network for every number of antennas and users."""
    reference = Reference.of(Scenario(antennas=antennas, users=users), 500)
    assert reference.rate_of(network).mean() / reference.wmmse_rate.mean() >= least


def test_permuting_users_permutes_powers(rng, network):
    h, order = channels(rng), rng.permutation(6)
    for a, b in zip(powers(network, h[..., order]), powers(network, h), strict=True):
        torch.testing.assert_close(a, b[..., order], rtol=1e-3, atol=1e-4)


def test_user_phase_changes_no_power(rng, network):
    h = channels(rng)
    turn = torch.polar(torch.ones(6), torch.from_numpy(rng.uniform(0, 6.28, 6)).float())
    for a, b in zip(powers(network, h * turn), powers(network, h), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_an_untrained_network_gives_equal_powers(rng):
    p, q = powers(untrained(CalibratedPerfect, 32, 6, width=8), channels(rng))
    torch.testing.assert_close(p, torch.full((5, 6), POWER / 6))
    torch.testing.assert_close(q, torch.full((5, 6), POWER / 6))


@pytest.mark.parametrize(
    "make",
    [lambda h: h * 0, lambda h: h * 1e-15, lambda h: h * 1e6, lambda h: h[..., :1].expand_as(h)],
    ids=["zero", "tiny", "huge", "rank one"],
)
def test_output_is_finite_for_degenerate_input(rng, network, make):
    h = make(channels(rng)).clone()
    p, q = powers(network, h)
    assert torch.isfinite(p).all() and torch.isfinite(q).all() and (q > 0).all()
    torch.testing.assert_close(p.sum(1), torch.full((5,), POWER))
    assert np.isfinite(structured_precoder(h.numpy(), p.numpy(), q.numpy(), NOISE)).all()
