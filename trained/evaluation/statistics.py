"""Means, shares and their 95 % intervals."""

from __future__ import annotations

import numpy as np

_NORMAL = 1.96
_STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145),
    *(2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048),
)  # fmt: skip


def quantile(count: int) -> float:
    """How many standard errors the 95 % interval of a mean of `count` values reaches to each side.

    Student's t at 0.975 and count - 1 degrees of freedom below 30 values, 1.96 from there on. Raises ValueError for fewer than 2.
    """
    if count < 2:
        raise ValueError(f"count={count}: an interval needs at least 2 values")
    return _STUDENT[count - 2] if count < 30 else _NORMAL


def half_width(values: np.ndarray) -> float:
    """Half width of the 95 % interval of the mean of values (n,); NaN for fewer than 2."""
    count = len(values)
    return float(quantile(count) * values.std(ddof=1) / count**0.5) if count > 1 else float("nan")


def share(values: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """(mean of values over mean of reference, half width of its 95 % interval), paired: both (n,) are of the same coherence blocks.

    Where one is shorter, over the blocks that both have. (NaN, NaN) where the reference has no rate. The interval is that of a ratio
    estimate: values - share * reference, over the mean of the reference.
    """
    count = min(len(values), len(reference))
    values, reference = values[:count], reference[:count]
    if not count or not reference.any():
        return float("nan"), float("nan")
    bound = float(reference.mean())
    ratio = float(values.mean()) / bound
    return ratio, half_width(values - ratio * reference) / bound
