"""Power over parallel channels."""

from __future__ import annotations

import numpy as np

from sim.checks import positive


def water_filling(gains: np.ndarray, power: float, noise_power: float) -> np.ndarray:
    """Powers (..., N) float64 >= 0 with sum `power` that maximise sum_n log2(1 + gains_n p_n / noise_power).

    p_n = max(0, level - noise_power / gains_n). The level is exact: with the channels in order of their gain, it is the mean of what the
    best n of them and the power add up to, for the largest n whose worst channel still lies below it. gains: (..., N) >= 0 power gains.
    Raises ValueError for a negative gain, and where all gains are zero. Source: Ling et al., IEEE Commun. Lett. 2012.
    """
    positive("power", power)
    positive("noise_power", noise_power)
    gains = np.asarray(gains, float)
    if not (np.isfinite(gains).all() and (gains >= 0).all()):
        raise ValueError("gains have to be finite numbers >= 0")
    if not (gains.max(-1) > 0).all():
        raise ValueError("all gains are zero, so that no power does any good")
    with np.errstate(divide="ignore"):
        floors = noise_power / gains
    floors = floors - floors.min(-1, keepdims=True)  # levels far above the power would cost its digits
    order = np.sort(floors, axis=-1)
    count = np.arange(1, gains.shape[-1] + 1)
    levels = (power + np.cumsum(np.where(np.isfinite(order), order, 0.0), -1)) / count
    filled = (np.isfinite(order) & (levels > order)).sum(-1, keepdims=True)
    return np.maximum(0.0, np.take_along_axis(levels, filled - 1, -1) - floors)
