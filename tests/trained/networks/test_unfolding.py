import numpy as np
import pytest
import torch

from sim.rate import effective_channel, sum_rate, sum_rate_torch
from sim.wmmse_mimo import wmmse_mimo
from tests.support import rayleigh, rayleigh_channels, untrained
from trained.networks.parts.last_step import exact_precoder, received, receivers
from trained.networks.parts.unfolding_gradients import closed_form_gradients
from trained.networks.unfolding import Unfolding, transmitted, zero_forcing_start

S = rayleigh(8, 3)


def channels(blocks=6, scenario=S, dtype=torch.complex128):
    return rayleigh_channels(scenario, blocks, dtype)


def rates(h, v):
    return sum_rate(effective_channel(h.numpy(), np.asarray(v)), 1.0)


def network(layers=3, scenario=S, noise=0.1):
    sizes = (scenario.antennas, scenario.users, scenario.user_antennas, scenario.user_streams)
    made = untrained(Unfolding, *sizes, layers=layers).double()
    made.start_from(channels(40, scenario))
    with torch.no_grad():
        for name, p in made.named_parameters():
            p.add_(noise * (0.1 if "offset" in name else 1.0) * torch.randn_like(p))
    return made


@pytest.mark.parametrize(("users", "antennas", "streams", "layers"), [(3, 2, 2, 3), (2, 2, 1, 4), (4, 1, 1, 2)])
def test_closed_form_gradients_equal_automatic_differentiation(users, antennas, streams, layers):
    scenario = rayleigh(8, users, antennas, streams=streams)
    net, h = network(layers, scenario), channels(6, scenario)
    sum_rate_torch(effective_channel(h, net.precoders(h)), 1.0).mean().backward()
    found = closed_form_gradients(net, h)
    assert found.keys() == {name for name, _ in net.named_parameters()}
    for name, p in net.named_parameters():
        expected = torch.zeros_like(p) if p.grad is None else p.grad
        torch.testing.assert_close(found[name], expected, rtol=1e-8, atol=1e-10 * float(expected.abs().max()) + 1e-14)
    assert max(float(g.abs().max()) for g in found.values()) > 1e-3


def test_training_can_start_at_regularized_zero_forcing():
    h, net = channels(), network(noise=0.0)
    net.start_at_zero_forcing()
    with torch.no_grad():
        found = net.precoders(h)
    expected = wmmse_mimo(h.numpy(), 2, 1.0, 1.0, 0)
    np.testing.assert_allclose(rates(h, found), rates(h, expected), rtol=1e-9)


def test_products_with_b_are_those_of_the_matrix():
    h = channels()
    u, w = receivers(h, zero_forcing_start(h, 2))
    w = w + 0.1 * torch.randn_like(w)
    b_times, diagonal, fw = transmitted(h, u, w)
    b = sum(torch.eye(8) * torch.trace((u @ w @ u.mH)[0, k]) + (h.mH @ u @ w @ u.mH @ h)[0, k] for k in range(3))
    torch.testing.assert_close(b_times(fw)[0], b @ fw[0])
    torch.testing.assert_close(diagonal[0, 0, :, 0], b.diagonal())


def test_the_last_step_is_an_iteration_of_wmmse():
    h = channels()
    start = zero_forcing_start(h, 2)
    v = exact_precoder(h, *receivers(h, start))
    np.testing.assert_allclose(rates(h, v), rates(h, wmmse_mimo(h.numpy(), 2, 1.0, 1.0, 1)), rtol=1e-9)
    assert (rates(h, v) > rates(h, start)).all()


def test_the_covariance_is_that_of_what_users_receive():
    h, v = channels(1), zero_forcing_start(channels(1), 2)
    a, own = received(h, v)
    k = 1
    expected = torch.eye(2) + sum(h[0, k] @ v[0, m] @ v[0, m].mH @ h[0, k].mH for m in range(3))
    torch.testing.assert_close(a[0, k], expected)
    torch.testing.assert_close(own[0, k], h[0, k] @ v[0, k])


def test_a_network_serves_fewer_users_as_if_the_others_had_no_channel():
    net, h = network(), channels()
    padded = torch.cat([h[:, :2], torch.zeros_like(h[:, :1])], 1)
    with torch.no_grad():
        for p in net.transmit:
            p.offset.zero_()
        for p in net.receive:
            p.offset.zero_()
        fewer, zeros = net.precoders(h[:, :2]), net.precoders(padded)
    assert net.serves(2) and not net.serves(4)
    assert fewer.shape == (6, 2, 8, 2)
    assert float(zeros[:, 2].abs().max()) == 0


def test_power_is_met_and_users_and_noise_scale_out():
    s = rayleigh(16, 4, user_antennas=1)
    net = untrained(Unfolding, 16, 4, layers=3)
    net.start(s, torch.Generator())
    h = torch.from_numpy(s.downlink(range(5))).mH
    with torch.no_grad():
        (v,) = net(h, 0.0, 3.0, 1.0)
        (scaled,) = net(h * 1e-4, 0.0, 3.0, 1e-8)
    np.testing.assert_allclose((v.abs() ** 2).sum((1, 2)), 3.0, rtol=1e-5)
    torch.testing.assert_close(v, scaled, rtol=1e-3, atol=1e-4)


def test_users_at_one_place_do_not_stop_it():
    s = rayleigh(16, 2, user_antennas=1)
    net = untrained(Unfolding, 16, 2, layers=2)
    net.start(s, torch.Generator())
    h = torch.from_numpy(s.downlink(range(3))).mH.clone()
    h[:, :, 1] = h[:, :, 0]
    with torch.no_grad():
        (v,) = net(h, 0.0, 1e6, 1e-3)
    assert torch.isfinite(torch.view_as_real(v)).all()


@pytest.mark.parametrize(
    ("config", "message"), [({"layers": 0}, "layers=0"), ({"begin": "noise"}, "begin='noise' is not one of wmmse, rzf")]
)
def test_a_hyper_parameter_that_cannot_be_is_named(config, message):
    with pytest.raises(ValueError, match=message):
        Unfolding.Config(**config)
