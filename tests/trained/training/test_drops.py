import numpy as np
import pytest
import torch

from sim.world.rayleigh import Rayleigh
from tests.sim.world.own_world import Corridor
from tests.trained.small import config, settings
from trained.networks import NETWORKS
from trained.training.drops import DOWNLINK_POWERS_DBM, UPLINK_POWERS_DBM, Drops
from trained.training.loop import started_network

CPU = torch.device("cpu")
EXACT = {"min_users": 3, "max_users": 3, "default_power_share": 1.0, "batch": 64}


def drops(s):
    return Drops(s, CPU)


@pytest.mark.parametrize("world", [None, Corridor()], ids=["synthesised from paths", "made by the world"])
def test_drops_are_the_channels_of_the_scenario(world):
    s = settings("calibrated-perfect", **EXACT | ({"world": world} if world else {}))
    scenario = s.scenario("train", seed=s.seed)
    heard, _, h_dl, _ = drops(s).drop(5, s.build())
    expected = scenario.downlink(range(5 * 64, 6 * 64))[:, :, : h_dl.shape[2]]
    np.testing.assert_allclose(h_dl.resolve_conj().numpy(), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    torch.testing.assert_close(heard, h_dl.mH)


def test_estimates_are_the_uplink_channels_with_the_noise_that_is_told():
    s = settings(**EXACT)
    drop = drops(s).drop(5, started_network(s))
    error = drop.heard.numpy() - s.scenario("train", seed=s.seed).uplink(range(5 * 64, 6 * 64))
    assert np.mean(np.abs(error) ** 2) == pytest.approx(float(drop.estimate_noise[0]), rel=0.1)


def test_received_pilots_are_the_pilots_over_the_uplink_channels():
    s = settings("data-driven", {"dense": 8}, **EXACT)
    network, scenario = s.build(), s.scenario("train", seed=s.seed)
    drop = drops(s).drop(0, network)
    noiseless = scenario.uplink(range(64)) @ network.unit_pilots(3).numpy() * scenario.uplink_power**0.5
    assert np.mean(np.abs(drop.heard.numpy() - noiseless) ** 2) == pytest.approx(scenario.noise_power, rel=0.1)


def test_users_with_several_antennas_have_all_their_channels():
    s = settings("unfolding", {"layers": 1}, world=Rayleigh(), antennas=12, user_antennas=2, batch=6)
    drop = drops(s).drop(0, s.build())
    k = drop.h_dl.shape[1]
    assert drop.h_dl.shape == (6, k, 2, 12) and 2 <= k <= 4


def test_shares_of_a_drop_make_the_whole():
    s = settings(batch=16)
    made, network = drops(s), started_network(s)
    whole, parts = made.drop(7, network), [made.drop(7, network, rank, 3) for rank in range(3)]
    for n, value in enumerate(whole):
        torch.testing.assert_close(torch.cat([part[n] for part in parts]), value)


def test_a_drop_is_a_function_of_settings_and_number():
    s = settings()
    one, other = drops(s), drops(s)
    network = started_network(s)
    one.drop(2, network)
    for a, b in zip(one.drop(3, network), other.drop(3, network), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.drop(4, network).power, one.drop(3, network).power)


def test_every_number_of_users_and_every_array_that_is_trained_for_is_drawn():
    s = settings("calibrated-perfect", config(NETWORKS["calibrated-perfect"]), min_users=2, max_users=4, batch=1)
    shapes = [drops(s).drop(step, s.build()).h_dl.shape for step in range(60)]
    assert {shape[1] for shape in shapes} == {2, 3, 4}
    assert {shape[2] for shape in shapes} >= {16, 8, 4} and all(m >= k for _, k, m in shapes)


def test_powers_are_the_usual_ones_for_their_share_and_spread_over_their_spans_else():
    s = settings(batch=4000, default_power_share=0.7, min_users=2, max_users=2)
    drop = drops(s).drop(0, started_network(s))
    scenario = s.scenario("train")
    usual = (drop.power - scenario.downlink_power).abs() < 1e-4
    assert float(usual.float().mean()) == pytest.approx(0.7, abs=0.03)
    uplink_dbm = 10 * torch.log10(scenario.noise_power / (drop.estimate_noise * 2))
    for dbm, (low, high) in ((10 * torch.log10(drop.power[~usual]), DOWNLINK_POWERS_DBM), (uplink_dbm[~usual], UPLINK_POWERS_DBM)):
        assert low - 0.01 <= float(dbm.min()) < low + 1 and high - 1 < float(dbm.max()) <= high + 0.01
