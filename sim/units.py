"""Conversions between decibels and linear units."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Power = TypeVar("Power", float, np.ndarray, "Tensor")


def mw_from_dbm(power_dbm: Power) -> Power:
    """Power in mW for a power in dBm: a number, an array or a tensor."""
    return 10.0 ** (power_dbm / 10.0)
