import numpy as np
import pytest
import torch

from sim.precoding import (
    maximum_ratio,
    regularized_zero_forcing,
    regularized_zero_forcing_torch,
    zero_forcing,
    zero_forcing_torch,
)
from sim.rate import sum_rate, sum_rate_torch, user_sinr
from sim.structured import structured_precoder, structured_precoder_torch
from sim.wmmse import wmmse
from sim.world.scenario import Scenario
from tests.streams import complex_normal

POWER, NOISE = 2.0, 0.1


def powers(rng, blocks, users):
    p = rng.uniform(0.1, 1.0, (blocks, users)).astype(np.float32)
    return POWER * p / p.sum(axis=1, keepdims=True)


PRECODERS = {
    "mrt": lambda h, rng: maximum_ratio(h, POWER),
    "zf": lambda h, rng: zero_forcing(h, POWER),
    "rzf": lambda h, rng: regularized_zero_forcing(h, POWER, NOISE),
    "wmmse": lambda h, rng: wmmse(h, POWER, NOISE, 20),
    "structured": lambda h, rng: structured_precoder(h, powers(rng, len(h), h.shape[2]), powers(rng, len(h), h.shape[2]), NOISE),
}


@pytest.mark.parametrize("name", PRECODERS)
@pytest.mark.parametrize(("antennas", "users"), [(1, 1), (8, 8), (32, 4), (33, 5)])
def test_total_power_is_used_exactly(rng, name, antennas, users):
    v = PRECODERS[name](complex_normal(rng, 9, antennas, users), rng)
    np.testing.assert_allclose(np.sum(np.abs(v) ** 2, axis=(1, 2)), POWER, rtol=1e-5)
    assert v.dtype == np.complex64


@pytest.mark.parametrize("name", ["mrt", "zf", "rzf", "wmmse"])
def test_permuting_users_permutes_columns(rng, name):
    h = complex_normal(rng, 5, 16, 6)
    order = rng.permutation(6)
    np.testing.assert_allclose(PRECODERS[name](h[:, :, order], rng), PRECODERS[name](h, rng)[:, :, order], atol=2e-4)


@pytest.mark.parametrize("name", ["mrt", "zf", "rzf", "wmmse"])
def test_user_phase_leaves_the_rate_alone(rng, name):
    h = complex_normal(rng, 5, 16, 6)
    turned = h * np.exp(2j * np.pi * rng.random((5, 1, 6))).astype(np.complex64)
    rates = [sum_rate(h.conj().swapaxes(1, 2) @ PRECODERS[name](x, rng), NOISE) for x in (h, turned)]
    np.testing.assert_allclose(*rates, rtol=1e-4)


def test_zero_forcing_removes_interference(rng):
    h = complex_normal(rng, 32, 16, 4)
    g = h.conj().swapaxes(1, 2) @ zero_forcing(h, POWER)
    diagonal = np.abs(np.einsum("bkk->bk", g))
    off = np.abs(g - np.einsum("bk,kj->bkj", np.einsum("bkk->bk", g), np.eye(4)))
    assert off.max() < 1e-5 * diagonal.min()


def test_zero_forcing_of_nearly_dependent_users_is_computed_in_double_precision():
    """Users centimetres apart: condition numbers of H^H H up to 1e11."""
    s = Scenario(antennas=16, users=16)
    h_dl = s.downlink(range(300))
    h = h_dl.conj().swapaxes(1, 2)
    v = zero_forcing(h, POWER)
    exact = np.linalg.pinv(h_dl.astype(complex))
    exact *= np.sqrt(POWER / np.sum(np.abs(exact) ** 2, axis=(1, 2), keepdims=True))
    assert np.abs(v - exact).max() < 1e-4


def test_regularised_zero_forcing_equals_its_formula(rng):
    h = complex_normal(rng, 3, 12, 5)
    v = regularized_zero_forcing(h, POWER, NOISE)
    for block, channel in zip(v, h.astype(complex), strict=True):
        direct = channel @ np.linalg.inv(channel.conj().T @ channel + 5 * NOISE / POWER * np.eye(5))
        np.testing.assert_allclose(block, direct * np.sqrt(POWER / np.linalg.norm(direct) ** 2), atol=1e-5)


def test_structured_precoder_equals_its_antenna_space_formula(rng):
    h, p, q = complex_normal(rng, 4, 12, 5), powers(rng, 4, 5), powers(rng, 4, 5)
    v = structured_precoder(h, p, q, NOISE)
    for b in range(4):
        channel = h[b].astype(complex)
        w = np.linalg.solve(np.eye(12) + channel * (q[b] / NOISE) @ channel.conj().T, channel)
        np.testing.assert_allclose(v[b], np.sqrt(p[b]) * w / np.linalg.norm(w, axis=0), atol=1e-5)


def test_torch_twins_equal_the_kernels(rng):
    h, p, q = complex_normal(rng, 6, 16, 5), powers(rng, 6, 5), powers(rng, 6, 5)
    t, tp, tq = torch.from_numpy(h), torch.from_numpy(p), torch.from_numpy(q)
    pairs = [
        (zero_forcing(h, POWER), zero_forcing_torch(t, POWER)),
        (regularized_zero_forcing(h, POWER, NOISE), regularized_zero_forcing_torch(t, POWER, NOISE)),
        (structured_precoder(h, p, q, NOISE), structured_precoder_torch(t, tp, tq, NOISE)),
    ]
    for kernel, twin in pairs:
        np.testing.assert_allclose(kernel, twin.numpy(), atol=2e-5)
    g = h.conj().swapaxes(1, 2) @ pairs[1][0]
    np.testing.assert_allclose(sum_rate(g, NOISE), sum_rate_torch(torch.from_numpy(g), NOISE).numpy(), rtol=1e-5)


def test_torch_twins_have_the_right_gradient(rng):
    h = torch.from_numpy(complex_normal(rng, 2, 5, 3).astype(complex)).requires_grad_()
    p, q = (torch.from_numpy(powers(rng, 2, 3).astype(float)).requires_grad_() for _ in range(2))
    true = torch.from_numpy(complex_normal(rng, 2, 3, 5).astype(complex))
    assert torch.autograd.gradcheck(lambda h, p, q: sum_rate_torch(true @ structured_precoder_torch(h, p, q, NOISE), NOISE), (h, p, q))
    assert torch.autograd.gradcheck(lambda h: sum_rate_torch(true @ zero_forcing_torch(h, POWER), NOISE), (h,))
    assert torch.autograd.gradcheck(lambda h: sum_rate_torch(true @ regularized_zero_forcing_torch(h, POWER, NOISE), NOISE), (h,))


def test_rate_equals_its_formula(rng):
    g = complex_normal(rng, 4, 3, 3)
    for b in range(4):
        total = 0.0
        for k in range(3):
            interference = sum(abs(g[b, k, j]) ** 2 for j in range(3) if j != k)
            sinr = abs(g[b, k, k]) ** 2 / (interference + NOISE)
            assert user_sinr(g, NOISE)[b, k] == pytest.approx(sinr, rel=1e-5)
            total += np.log2(1 + sinr)
        assert sum_rate(g, NOISE)[b] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("name", PRECODERS)
def test_more_users_than_antennas_are_named(rng, name):
    with pytest.raises(ValueError, match="users=5 needs at least 5 antennas, got antennas=4"):
        PRECODERS[name](complex_normal(rng, 2, 4, 5), rng)


@pytest.mark.parametrize("power", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_power_is_named(rng, power):
    for precoder in (zero_forcing, maximum_ratio):
        with pytest.raises(ValueError, match=f"power={power}"):
            precoder(complex_normal(rng, 2, 4, 2), power)


def test_two_users_at_one_place_are_named_by_zero_forcing_and_served_by_the_others(rng):
    h = complex_normal(rng, 3, 8, 4)
    h[1, :, 3] = h[1, :, 0]
    with pytest.raises(ValueError, match="linearly dependent in block 1"):
        zero_forcing(h, POWER)
    for name in ("rzf", "wmmse", "structured", "mrt"):
        assert np.isfinite(PRECODERS[name](h, rng)).all()


@pytest.mark.parametrize("name", ["rzf", "wmmse", "structured"])
def test_noise_beyond_double_precision_is_named(rng, name):
    h = complex_normal(rng, 2, 8, 4)
    h[1, :, 3] = h[1, :, 0]
    makers = {
        "rzf": lambda n: regularized_zero_forcing(h, POWER, n),
        "wmmse": lambda n: wmmse(h, POWER, n, 5),
        "structured": lambda n: structured_precoder(h, powers(rng, 2, 4), powers(rng, 2, 4), n),
    }
    with pytest.raises(ValueError, match="noise_power=1e-30 mW is too little against the channels of block 1"):
        makers[name](1e-30)
