import numpy as np
import pytest
import torch

from sim.rate import effective_channel, sum_rate, sum_rate_torch
from tests.streams import complex_normal


def several(rng, blocks=5, users=3, antennas=2, m=8, streams=2):
    return complex_normal(rng, blocks, users, antennas, m), complex_normal(rng, blocks, users, m, streams)


def test_an_entry_is_what_an_antenna_hears_of_a_stream(rng):
    h, v = several(rng)
    g = effective_channel(h, v)
    assert g.shape == (5, 3, 2, 3, 2)
    np.testing.assert_allclose(g[4, 1, 0, 2, 1], h[4, 1, 0] @ v[4, 2, :, 1], rtol=1e-4)


def test_the_rate_of_several_antennas_equals_its_formula(rng):
    h, v = several(rng)
    for b in range(5):
        total = 0.0
        for k in range(3):
            covariance = [h[b, k] @ v[b, j] @ v[b, j].conj().T @ h[b, k].conj().T for j in range(3)]
            noise = 0.5 * np.eye(2) + sum(covariance) - covariance[k]
            total += np.log2(np.linalg.det(np.eye(2) + covariance[k] @ np.linalg.inv(noise)).real)
        assert sum_rate(effective_channel(h, v), 0.5)[b] == pytest.approx(total, rel=1e-4)


def test_one_antenna_and_stream_is_a_case_of_several(rng):
    h, v = several(rng, antennas=1, streams=1)
    g = effective_channel(h, v)
    np.testing.assert_allclose(sum_rate(g, 0.5), sum_rate(np.ascontiguousarray(g[:, :, 0, :, 0]), 0.5), rtol=1e-5)


def test_the_torch_twin_is_equal(rng):
    h, v = several(rng)
    twin = sum_rate_torch(effective_channel(torch.from_numpy(h), torch.from_numpy(v)), 0.5)
    np.testing.assert_allclose(sum_rate(effective_channel(h, v), 0.5), twin.numpy(), rtol=1e-4)


def test_the_torch_twin_takes_a_noise_power_for_each_block(rng):
    h, v = several(rng)
    g = torch.from_numpy(effective_channel(h, v))
    noise = torch.linspace(0.1, 1.0, 5)
    single = torch.stack([sum_rate_torch(g[b : b + 1], float(noise[b]))[0] for b in range(5)])
    torch.testing.assert_close(sum_rate_torch(g, noise), single)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (4, 3, 2, 2, 2), (2, 4, 3, 3)])
def test_another_shape_is_named(shape):
    with pytest.raises(ValueError, match="effective channel has shape"):
        sum_rate(np.ones(shape, np.complex64), 1.0)
