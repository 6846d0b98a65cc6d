"""Uplink pilot sequences."""

import numpy as np

from sim.checks import positive


def dft_pilots(users: int, length: int, power: float) -> np.ndarray:
    """Pilot matrix X (K, L) complex64: rows of a DFT matrix, each of energy power * length.

    Rows are orthogonal where length >= users. power: mW per symbol. Source: Zhang et al., Section IV-D.
    """
    if users < 1 or length < 1:
        raise ValueError(f"users={users} and length={length} of a pilot matrix have to be at least 1")
    positive("power", power)
    size = max(users, length)
    row, column = np.arange(users)[:, None], np.arange(length)[None, :]
    return (np.sqrt(power) * np.exp(-2j * np.pi * (row * column % size) / size)).astype(np.complex64)
