import numpy as np
import pytest
import torch

from trained.networks.parts.mixture import GaussianMixture, LowRankGaussians
from trained.networks.parts.routing import routed_evidence

M, NOISE = 12, 0.3


def gaussian(rng, *shape):
    return torch.from_numpy((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).to(torch.complex64)


@pytest.fixture
def component(rng):
    """A component of rank 3 fitted to 4,000 channels of two carriers, and their joint law: uplink A g, downlink B g."""
    a, b, g = gaussian(rng, 3, M), gaussian(rng, 3, M), gaussian(rng, 4000, 3)
    return a, b, g @ a, g @ b


def test_evidence_and_posterior_are_those_of_the_gaussian(rng, component):
    _, _, uplink, _ = component
    law = LowRankGaussians((2,), 3, M)
    law.fit(0, uplink, 0.25)
    law.fit(1, 5 * uplink[:, torch.randperm(M)], 0.75)
    y = uplink[:50] + NOISE**0.5 * gaussian(rng, 50, M)
    evidence, coefficient, variance = law(y, torch.full((50,), NOISE))
    log_density, posterior = [], []
    for n in range(2):
        keys = torch.view_as_complex(law.keys.detach()[n]).T.to(torch.complex128)
        power, floor = law.log_power[n].exp().detach().double(), law.log_rest[n].exp().detach() + NOISE
        covariance = (keys * power) @ keys.mH + floor * torch.eye(M)
        inverse = torch.linalg.inv(covariance)
        wide = y.to(torch.complex128)
        log_density.append(-(wide.conj() @ inverse * wide).sum(1).real - torch.logdet(covariance).real + law.log_share[n].detach())
        posterior.append(wide @ (inverse.T @ keys.conj()) * power)
    expected = torch.stack(log_density, 1)
    torch.testing.assert_close((evidence[:, 0] - evidence[:, 1]).detach().double(), expected[:, 0] - expected[:, 1], rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(coefficient.detach(), torch.stack(posterior, 1).to(torch.complex64), rtol=1e-3, atol=1e-3)
    assert (variance > 0).all() and (variance < NOISE + 0.01).all()


def test_one_place_gives_the_wiener_estimate_of_its_downlink_channel(rng, component):
    a, b, uplink, downlink = component
    mixture = GaussianMixture(M, 1, 1, rank=3)
    mixture.start_from(uplink, downlink, torch.zeros(len(uplink), 3), torch.Generator())
    y = uplink[:20] + NOISE**0.5 * gaussian(rng, 20, M)
    h, certainty, _ = mixture(y[None], torch.full((1, 20), NOISE))
    wiener = y @ torch.linalg.inv(a.mH @ a + NOISE * torch.eye(M)) @ a.mH @ b
    error, size = (h[0].detach() - wiener).abs().pow(2).mean(), wiener.abs().pow(2).mean()
    assert error < 0.01 * size
    torch.testing.assert_close(certainty, torch.ones(1, 20))


def test_routing_finds_the_place_and_follows_the_phase(rng):
    angle = torch.linspace(-0.9, 0.9, 60)
    steering = torch.polar(torch.ones(60, M), torch.pi * angle[:, None] * torch.arange(M))
    turn = torch.polar(torch.ones(60), 7 * angle)
    places = torch.stack([angle, angle * 0, angle * 0], 1).repeat_interleave(20, 0)
    gain = gaussian(rng, 1200, 1)
    uplink = gain * steering.repeat_interleave(20, 0)
    downlink = uplink * turn.repeat_interleave(20)[:, None]
    mixture = GaussianMixture(M, 10, 6, rank=2, routes=3, looks=2)
    mixture.start_from(uplink, downlink, places, torch.Generator().manual_seed(2))
    spin = torch.polar(torch.ones(60, 1), torch.rand(60, 1) * 6)
    h = mixture((spin * steering)[None], torch.full((1, 60), 1e-3))[0][0].detach()
    error = (h - spin * turn[:, None] * steering).abs().pow(2).mean()
    assert error < 0.02


def test_kernel_and_tensors_give_the_same_evidence(rng):
    law = LowRankGaussians((5, 3), 2, M)
    for r in range(5):
        for c in range(3):
            law.fit((r, c), gaussian(rng, 30, M), 0.1)
    y, noise, route = gaussian(rng, 4, 6, M), torch.rand(4, 6) + 0.1, torch.randint(0, 5, (4, 6, 2))
    torch.testing.assert_close(routed_evidence(law, y, noise, route), law(y, noise, route)[0].detach(), rtol=1e-4, atol=1e-3)


def test_more_regions_than_places_leave_empty_ones_unused(rng):
    uplink = gaussian(rng, 5, M)
    mixture = GaussianMixture(M, 8, 2, rank=2)
    mixture.start_from(uplink, uplink, torch.rand(5, 3), torch.Generator())
    assert torch.isfinite(torch.view_as_real(mixture(uplink[None], torch.full((1, 5), 0.1))[0])).all()
