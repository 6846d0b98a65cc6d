"""Pilots of one's own, from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def load_pilots(file: Path, users: int, power_dbm: float) -> np.ndarray:
    """The pilot matrix X (K, L) complex64 in a .npy file; row k is what user k sends, in sqrt(mW).

    power_dbm: of the user who sends the strongest pilots, mean over its L symbols; others may send weaker ones.
    Raises ValueError where the file holds no complex matrix with K rows, a value that is NaN or infinite, rows that are linearly
    dependent beyond what L < K makes so, a user without energy or another power; OSError where it cannot be read.
    """
    try:
        pilots = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"--pilot-file {file} is not a .npy file: numpy.save writes one ({error})") from None
    if not isinstance(pilots, np.ndarray) or not np.iscomplexobj(pilots):
        kind = getattr(pilots, "dtype", type(pilots).__name__)
        raise ValueError(f"--pilot-file {file} holds {kind}, expected a complex array (users, symbols)")
    if pilots.ndim != 2 or len(pilots) != users or not pilots.shape[1]:
        raise ValueError(f"--pilot-file {file} has shape {pilots.shape}, expected ({users}, L), a row for each of --users {users}")
    if not np.isfinite(pilots).all():
        raise ValueError(f"--pilot-file {file} holds NaN or infinity")
    rank = np.linalg.matrix_rank(pilots)
    if rank < min(pilots.shape):
        raise ValueError(f"--pilot-file {file} has rank {rank}, expected {min(pilots.shape)}: give every user a sequence of its own")
    powers_dbm = 10 * np.log10(np.maximum((np.abs(pilots.astype(complex)) ** 2).mean(1), 1e-300))
    if powers_dbm.min() < powers_dbm.max() - 60:
        raise ValueError(f"--pilot-file {file}: user {powers_dbm.argmin() + 1} sends next to nothing")
    if abs(powers_dbm.max() - power_dbm) > 0.05:
        raise ValueError(
            f"--pilot-file {file} has {powers_dbm.max():.2f} dBm per symbol, --uplink-power-dbm is {power_dbm:g}: "
            f"give --uplink-power-dbm {powers_dbm.max():.2f}, or scale the pilots by {power_dbm - powers_dbm.max():.2f} dB"
        )
    return pilots.astype(np.complex64)
