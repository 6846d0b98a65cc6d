"""Conversions between decibels and linear units."""
import math


def mw_from_dbm(power_dbm):
    """Power in mW for a power in dBm: a number, an array or a tensor."""
    return 10.0 ** (power_dbm / 10.0)


def dbm_from_mw(power: float) -> float:
    """Power in dBm for a power in mW."""
    return 10.0 * math.log10(power)
