"""Checks of arguments at the door."""

import math


def positive(name: str, value: float) -> float:
    """The value itself. Raises ValueError, naming it, unless it is a finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}={value} has to be a finite number above 0")
    return value
