"""Names that go with the next step: `sum_rate` and `sum_rate_torch` of an effective channel do the same."""

import numpy as np

from sim.rate import effective_channel, sum_rate, sum_rate_torch


def sum_rate_mimo(h: np.ndarray, v: np.ndarray, noise_power: float) -> np.ndarray:
    """(B,) float64 `sum_rate` of h (B, K, N, M) and v (B, K, M, d)."""
    return sum_rate(effective_channel(h, v), noise_power)


def sum_rate_mimo_torch(h, v, noise_power):
    """Differentiable twin of `sum_rate_mimo`."""
    return sum_rate_torch(effective_channel(h, v), noise_power)
