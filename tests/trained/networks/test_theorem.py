"""Theorem 1 of Ma et al. 2021: zero forcing's input can always be calibrated; its gradient is eq. 12-13 of their appendix."""

import numpy as np
import pytest
import torch

from sim.precoding import zero_forcing, zero_forcing_torch
from sim.rate import sum_rate, sum_rate_torch
from tests.streams import complex_normal

POWER, NOISE = 2.0, 0.3


def rate_gradient_by_precoder(h_dl, v):
    """dR / dV* up to the factor 1 / ln 2, as H_DL^H B with B of eq. 12; h_dl (K, M), v (M, K)."""
    g = h_dl @ v
    total = np.sum(np.abs(g) ** 2, axis=1) + NOISE
    signal = np.abs(np.diag(g)) ** 2
    b = -(signal / (total * (total - signal)))[:, None] * g
    np.fill_diagonal(b, np.diag(g) / total)
    return h_dl.conj().T @ b


def zf_input_gradient(h_dl, x, rescaled=False):
    """dR / dX* at the input X (K, M) of zero forcing: eq. 13, which takes the scale gamma for fixed.

    rescaled: with the derivative of gamma too. It takes from dR / dV* its part along V, which would only add power.
    """
    inverse = np.linalg.inv(x @ x.conj().T)
    pinv = x.conj().T @ inverse
    gamma = np.sqrt(POWER) / np.linalg.norm(pinv)
    d = rate_gradient_by_precoder(h_dl, gamma * pinv)
    if rescaled:
        d = d - np.sum(pinv.conj() * d).real / np.linalg.norm(pinv) ** 2 * pinv
    return gamma * (inverse @ d.conj().T @ (np.eye(x.shape[1]) - pinv @ x) - (pinv.conj().T @ d @ pinv.conj().T)) / np.log(2)


def fixed_scale_rate(h_dl, x, gamma):
    v = gamma * x.mH @ torch.linalg.inv(x @ x.mH)
    return sum_rate_torch((h_dl @ v)[None], NOISE)[0]


@pytest.fixture
def channel(rng):
    return complex_normal(rng, 4, 9).astype(complex)


def test_gradient_formula_equals_autograd_and_finite_differences(channel, rng):
    x = channel + 0.1 * complex_normal(rng, 4, 9)
    gamma = np.sqrt(POWER) / np.linalg.norm(np.linalg.pinv(x))
    tensor = torch.from_numpy(x).requires_grad_()
    fixed_scale_rate(torch.from_numpy(channel), tensor, gamma).backward()
    formula = zf_input_gradient(channel, x)
    np.testing.assert_allclose(2 * formula, tensor.grad.numpy(), rtol=1e-6, atol=1e-9)
    direction = complex_normal(rng, 4, 9).astype(complex)
    rates = [float(fixed_scale_rate(torch.from_numpy(channel), torch.from_numpy(x + t * direction), gamma)) for t in (1e-6, -1e-6)]
    assert (rates[0] - rates[1]) / 2e-6 == pytest.approx(2 * np.sum(formula.conj() * direction).real, rel=1e-5)


def test_a_small_step_along_the_formula_raises_the_rate_above_zero_forcing(rng):
    for _ in range(50):
        h_dl = complex_normal(rng, 4, 9).astype(complex)
        step = zf_input_gradient(h_dl, h_dl, rescaled=True)
        x = torch.from_numpy(h_dl.conj().T.copy()).requires_grad_()
        sum_rate_torch((torch.from_numpy(h_dl) @ zero_forcing_torch(x, POWER))[None], NOISE)[0].backward()
        np.testing.assert_allclose(2 * step.conj().T, x.grad.numpy(), rtol=1e-6, atol=1e-9)
        moved = h_dl + 1e-2 * step / np.linalg.norm(step)
        before, after = (sum_rate(h_dl[None] @ zero_forcing(h.conj().T[None].astype(np.complex64), POWER), NOISE)[0] for h in (h_dl, moved))
        assert after > before
