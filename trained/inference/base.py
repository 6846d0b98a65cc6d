"""What the CPU twins of networks have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np


class Twin:
    """A network as NumPy arrays and Numba kernels: no torch, no thread pool, one core.

    Called as `Network.forward` is, with numbers for the noise and the powers, it gives the same to rounding, whatever the batch. It stands
    in a file of this folder that is called as that of the network, and is the only class of that file. `antennas` of the heard channel is
    that of the size, unless it serves any number.
    """

    any_antennas: ClassVar[bool]
    fixed_users: ClassVar[bool] = False

    def __init__(self, tensors: dict[str, np.ndarray], size: dict[str, int], config: dict[str, Any]):
        raise NotImplementedError(f"{type(self).__name__} takes no weights")

    @staticmethod
    def shapes(size: dict[str, int], config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
        """{name: shape} of every tensor of the network."""
        raise NotImplementedError

    @classmethod
    def has_own_pilots(cls) -> bool:
        """As `Network.has_own_pilots`."""
        return False

    @classmethod
    def calibrates_received(cls) -> bool:
        """As `Network.calibrates_received`."""
        return False

    def __call__(self, heard: np.ndarray, estimate_noise: float, power: float, noise_power: float) -> tuple[np.ndarray, ...]:
        raise NotImplementedError

    @staticmethod
    def checked(heard: np.ndarray, antennas: int) -> np.ndarray:
        """A C-ordered view of the channels that cannot be written. Raises ValueError unless they are (B, `antennas`, K) complex64."""
        if heard.ndim != 3 or heard.shape[1] != antennas or heard.dtype != np.complex64:
            raise ValueError(f"channels have shape {heard.shape} and dtype {heard.dtype}, expected (blocks, {antennas}, users) complex64")
        view = np.ascontiguousarray(heard).view()
        view.flags.writeable = False  # one kind of array, so that kernels are compiled once
        return view

    @staticmethod
    def powers_of(heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Arrays for p and q (B, K) float32."""
        shape = heard.shape[0], heard.shape[2]
        return np.empty(shape, np.float32), np.empty(shape, np.float32)
