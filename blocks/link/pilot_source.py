"""Pilots of all users."""

import numpy as np

from blocks.runtime import Block, Signal


class PilotSource(Block):
    """Sends the same pilot matrix X in every coherence block.

    Out:  pilots  (K, L) complex64   row k is user k's pilots, row energy <= P_UL L (mW)

    pilots: X (K, L), for example Scenario.pilot_matrix().
    """

    outputs = {"pilots": Signal("K", "L")}

    def __init__(self, pilots: np.ndarray):
        if np.ndim(pilots) != 2:
            raise ValueError(f"pilots have shape {np.shape(pilots)}, expected (users, symbols)")
        self.pilots = np.asarray(pilots, np.complex64)

    def dims(self):
        return dict(zip("KL", self.pilots.shape, strict=True))

    def work(self, index):
        return np.broadcast_to(self.pilots, (len(index), *self.pilots.shape))
