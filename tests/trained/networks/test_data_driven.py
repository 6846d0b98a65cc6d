import numpy as np
import pytest
import torch

from sim.rate_mimo import sum_rate_mimo
from sim.wmmse_mimo import wmmse_mimo
from sim.world.rayleigh import RayleighScenario
from sim.world.scenario import Scenario
from trained.networks.channel_mapping import ChannelMapping
from trained.networks.data_driven import DataDrivenPerfect, DataDrivenPilots, labels
from trained.networks.parts.last_step import exact_precoder
from trained.training.drops import Drop

S = RayleighScenario(16, 3)


def channels(blocks, scenario=S):
    return torch.from_numpy(scenario.channels(range(blocks))) * scenario.power**0.5


def black_box(kind=DataDrivenPerfect, antennas=16, users=3, user_antennas=2, streams=2):
    torch.manual_seed(0)
    return kind(antennas, users, user_antennas, streams, dense=64)


def test_labels_give_the_precoder_of_wmmse():
    h = channels(20)
    v = exact_precoder(h, *labels(h, 2)).numpy()
    expected = wmmse_mimo(h.numpy(), 2, 1.0, 1.0, 21)
    np.testing.assert_allclose(sum_rate_mimo(h.numpy(), v, 1.0), sum_rate_mimo(h.numpy(), expected, 1.0), rtol=1e-4)


def test_training_is_supervised_first_and_then_on_the_rate():
    net, h = black_box(), channels(64)
    net.start_from(h, h.flatten(1, 2).mT)
    drop = Drop(h, torch.zeros(64), h, torch.ones(64))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    found = {}
    for progress in (0.1, 0.9):
        losses = []
        for _ in range(60):
            optimizer.zero_grad()
            loss = net.loss(drop, 1.0, progress)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        found[progress] = losses
    assert 0 < found[0.1][-1] < 0.7 * found[0.1][0]
    assert found[0.9][-1] < found[0.9][0] < 0


def test_weights_w_are_positive_definite_and_power_is_one():
    net, h = black_box().eval(), channels(10)
    net.start_from(h, h.flatten(1, 2).mT)
    with torch.no_grad():
        _, w = net.outputs(h.flatten(1, 2).mT)
        v = net.precoders(h)
    torch.testing.assert_close(w, w.mH)
    assert float(torch.linalg.eigvalsh(w).min()) > 0
    np.testing.assert_allclose((v.abs() ** 2).sum((1, 2, 3)), 1, rtol=1e-5)


def test_from_pilots_it_is_told_nothing_but_what_was_received():
    net = black_box(DataDrivenPilots, 16, 4, 1, 1).eval()
    s = Scenario(antennas=16, users=4)
    y = torch.from_numpy(s.uplink(range(6)) @ s.pilot_matrix())
    with torch.no_grad():
        (v,) = net(y, 0.0, torch.full((6,), 2.0), s.noise_power)
    assert v.shape == (6, 16, 4)
    np.testing.assert_allclose((v.abs() ** 2).sum((1, 2)), 2, rtol=1e-5)
    assert net.csi == "received" and net.serves(4) and not net.serves(3)


def test_channel_mapping_is_trained_by_mean_squared_error():
    torch.manual_seed(0)
    net = ChannelMapping(16, (32,)).eval()
    h = torch.randn(5, 3, 16, dtype=torch.complex64)
    drop = Drop(h.mT.contiguous(), torch.zeros(5), h, torch.ones(5))
    with torch.no_grad():
        (estimate,) = net(drop.heard, None, None, None)
        expected = (estimate - h.mH).abs().square().mean()
        assert float(net.loss(drop, 1.0, 0.5)) == pytest.approx(float(expected), rel=1e-5)
        net.users.scale.fill_(2.0)
        assert float(net.loss(drop, 1.0, 0.5)) != pytest.approx(float(expected), rel=1e-2)


@pytest.mark.parametrize("antennas", [8, 13, 16, 40])
def test_any_number_of_antennas_fits(antennas):
    net = black_box(antennas=antennas).eval()
    h = channels(3, RayleighScenario(antennas, 3))
    with torch.no_grad():
        assert net.precoders(h).shape == (3, 3, antennas, 2)
