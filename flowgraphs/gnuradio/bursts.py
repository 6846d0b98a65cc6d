"""What the users send: bursts of a Zadoff-Chu preamble and pilots, with random gaps. For GNU Radio's Python: needs NumPy alone."""

import numpy as np


def preamble(length=61, root=25):
    """(length,) Zadoff-Chu sequence, as sim.preamble.zadoff_chu."""
    n = np.arange(length)
    return np.exp(-1j * np.pi * (root * n * (n + 1) % (2 * length)) / length)


def bursts(users=4, power_dbm=10.0, count=40, gap=(40, 160), seed=0):
    """(samples, users) complex64: `count` bursts, in which all users send the preamble at once and then row k of the DFT pilots.

    Between them is silence of random length, gap[0] ... gap[1] - 1 samples. power_dbm: of every user.
    """
    k = np.arange(users)
    burst = np.concatenate((np.tile(preamble(), (users, 1)), np.exp(-2j * np.pi * np.outer(k, k) / users)), axis=1)
    silence = np.random.default_rng(seed).integers(gap[0], gap[1], count)
    stream = np.concatenate([np.pad(burst.T, ((length, 0), (0, 0))) for length in silence])
    return (np.sqrt(10 ** (power_dbm / 10)) * stream).astype(np.complex64)


def flat(users=4, power_dbm=10.0):
    """The same as a list of numbers, the users in turn, for a vector source."""
    return bursts(users, power_dbm).ravel().tolist()
