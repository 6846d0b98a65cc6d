"""Conversions between decibels and linear units."""


def mw_from_dbm(power_dbm):
    """Power in mW for a power in dBm: a number, an array or a tensor."""
    return 10.0 ** (power_dbm / 10.0)
