from dataclasses import replace

import numpy as np
import pytest
import torch

from sim.estimation import estimate, least_squares_matrix
from sim.precoding import zero_forcing
from sim.world.scenario import Scenario
from tests.support import rayleigh, untrained
from tests.trained.small import ROOM
from trained.evaluation.reference import Reference
from trained.networks.paper_conference import PaperConference
from trained.networks.unfolding import Unfolding

S = Scenario(antennas=16, users=4, world=ROOM)


@pytest.fixture(scope="module")
def reference():
    return Reference.of(S, 200)


def test_noise_of_the_reference_estimates_is_that_of_the_pilots(reference):
    pilots = S.pilot_matrix()
    error = estimate(reference.received(pilots), least_squares_matrix(pilots)) - S.uplink(range(200))
    assert np.mean(np.abs(error) ** 2) == pytest.approx(S.noise_power / (S.uplink_power * 4), rel=0.03)


def test_the_reference_is_an_upper_bound_of_zero_forcing(reference):
    shares = reference.shares_of_zero_forcing()
    assert 0 < shares["ls_zf_uplink"] < shares["zf_perfect_csi"] < 1
    assert (reference.wmmse_rate > reference.rate(zero_forcing(reference.true_channel, S.downlink_power))).all()


def test_the_reference_has_as_many_pilots_as_users():
    assert Reference.of(replace(S, pilots=9), 2).scenario.pilots is None


def test_a_network_is_measured_with_pilots_of_its_own(reference):
    network = untrained(PaperConference, 16, 4, widths=(8,))
    network.users.scale.fill_(1e-5)
    before = reference.rate_of(network)
    network.pilots["k4"].data[:, :, 1] += 0.5
    assert not np.allclose(before, reference.rate_of(network))


def test_users_with_several_antennas_are_measured_too():
    s = rayleigh(8, 3, user_antennas=2)
    reference, network = Reference.of(s, 30), untrained(Unfolding, 8, 3, user_antennas=2, layers=2)
    network.start(s, torch.Generator())
    rate, shares = reference.rate_of(network), reference.shares_of_zero_forcing()
    assert rate.shape == (30,) and 0.5 < rate.mean() / reference.wmmse_rate.mean() < 1
    assert 0.5 < shares["zf_perfect_csi"] < 1 and shares["ls_zf_uplink"] is None


def test_measuring_leaves_a_network_in_the_mode_of_use(reference):
    network = untrained(PaperConference, 16, 4, widths=(8,)).train()
    network.users.scale.fill_(1e-5)
    np.testing.assert_array_equal(reference.rate_of(network), reference.rate_of(network))
    assert not network.training
