import numpy as np
import pytest
import torch

from sim.rate import effective_channel, sum_rate
from sim.wmmse import wmmse
from tests.support import rayleigh, rayleigh_channels, untrained
from trained.networks.data_driven_perfect import DataDrivenPerfect
from trained.networks.parts.black_box import labels
from trained.networks.parts.last_step import exact_precoder
from trained.training.drops import Drop

S = rayleigh(16, 3)


def black_box(antennas=16):
    return untrained(DataDrivenPerfect, antennas, 3, user_antennas=2, dense=64)


def test_labels_give_the_precoder_of_wmmse():
    h = rayleigh_channels(S, 20)
    v = exact_precoder(h, *labels(h, 2)).numpy()
    expected = wmmse(h.numpy(), 1.0, 1.0, 21)
    rates = [sum_rate(effective_channel(h.numpy(), each), 1.0) for each in (v, expected)]
    np.testing.assert_allclose(*rates, rtol=1e-4)


def test_training_is_supervised_first_and_then_on_the_rate():
    net, h = black_box(), rayleigh_channels(S, 32)
    net.start_from(h, h.flatten(1, 2).mT)
    drop = Drop(h, torch.zeros(32), h, torch.ones(32))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    found = {}
    for progress in (0.1, 0.9):
        losses = []
        for _ in range(40):
            optimizer.zero_grad()
            loss = net.loss(drop, 1.0, progress)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        found[progress] = losses
    assert 0 < found[0.1][-1] < 0.7 * found[0.1][0]
    assert found[0.9][-1] < found[0.9][0] < 0


def test_weights_w_are_positive_definite_and_power_is_one():
    net, h = black_box().eval(), rayleigh_channels(S, 10)
    net.start_from(h, h.flatten(1, 2).mT)
    with torch.no_grad():
        _, w = net.outputs(h.flatten(1, 2).mT)
        v = net.precoders(h)
    torch.testing.assert_close(w, w.mH)
    assert float(torch.linalg.eigvalsh(w).min()) > 0
    np.testing.assert_allclose((v.abs() ** 2).sum((1, 2, 3)), 1, rtol=1e-5)


@pytest.mark.parametrize("antennas", [8, 13, 16, 40])
def test_any_number_of_antennas_fits(antennas):
    net = black_box(antennas).eval()
    h = rayleigh_channels(rayleigh(antennas, 3), 3)
    with torch.no_grad():
        assert net.precoders(h).shape == (3, 3, antennas, 2)
