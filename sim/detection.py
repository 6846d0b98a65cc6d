"""Linear detection of the users' uplink symbols."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.checks import positive
from sim.gram import checked_channel


def matched_filter(y: np.ndarray, h_est: np.ndarray) -> np.ndarray:
    """S = diag(H^H H)^-1 H^H Y, (B, K, T) complex64: every user's symbols as if it were alone.

    y: (B, M, T) received; h_est: (B, M, K), column k is user k. Raises ValueError where a user's channel is zero.
    Source: Ma et al., journal, Table II.
    """
    return _detected(y, h_est, lambda gram: gram * np.eye(gram.shape[-1]))


def zero_forcing_detector(y: np.ndarray, h_est: np.ndarray) -> np.ndarray:
    """S = (H^H H)^-1 H^H Y, (B, K, T) complex64: without interference, whatever that does to the noise.

    Arguments as in `matched_filter`. Raises ValueError where the users of a block are linearly dependent. Source: as there.
    """
    return _detected(y, h_est, lambda gram: gram)


def lmmse_detector(y: np.ndarray, h_est: np.ndarray, symbol_power: float, noise_power: float) -> np.ndarray:
    """S = (H^H H + (sigma^2 / P) I)^-1 H^H Y, (B, K, T) complex64: the linear estimate of least mean squared error.

    symbol_power: P of each user's symbols; noise_power: per received sample, in the same unit. The estimate is biased towards zero.
    Arguments and source as in `matched_filter`.
    """
    ratio = positive("noise_power", noise_power) / positive("symbol_power", symbol_power)
    return _detected(y, h_est, lambda gram: gram + ratio * np.eye(gram.shape[-1]))


def _detected(y: np.ndarray, h_est: np.ndarray, weigh: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    h = checked_channel(h_est, 1.0).astype(complex)
    if y.ndim != 3 or y.shape[:2] != h.shape[:2]:
        raise ValueError(f"received samples have shape {y.shape}, the channel {h.shape}: expected (blocks, antennas, samples)")
    adjoint = h.conj().swapaxes(1, 2)
    gram = weigh(adjoint @ h)
    try:
        with np.errstate(all="raise"):
            return np.linalg.solve(gram, adjoint @ y).astype(np.complex64)
    except (np.linalg.LinAlgError, FloatingPointError):
        raise ValueError(
            f"detection: the channels of the {h.shape[2]} users of a block are zero or linearly dependent; use the LMMSE "
            "detector or separate the users"
        ) from None
