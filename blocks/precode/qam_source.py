"""Data symbols of all users."""

from blocks.runtime import Block, Signal
from sim.modulation import constellation, random_symbols


class QAMSource(Block):
    """Sends random symbols of square QAM with unit mean power, which depend on (seed, coherence block) alone.

    In:   clock    anything, optional   where connected, symbols are sent for the coherence blocks that arrive there
    Out:  symbols  (K, T) complex64     row k is for user k

    users: K; symbols: T; order: 4, 16, 64, 256 or 1024. Raises ValueError for another order and for sizes below 1.
    """

    inputs = {"clock": Signal(..., dtype=None, optional=True)}
    outputs = {"symbols": Signal("K", "T")}

    def __init__(self, users: int, symbols: int, order: int = 16, seed: int = 0):
        if users < 1 or symbols < 1:
            raise ValueError(f"users={users} and symbols={symbols} have to be at least 1")
        constellation(order)
        self.shape, self.order, self.seed = (users, symbols), order, seed

    def dims(self):
        return dict(zip("KT", self.shape, strict=True))

    def start(self):
        random_symbols(self.order, self.seed, range(1), (1,))  # compiles

    def work(self, index, clock=None):
        return random_symbols(self.order, self.seed, index, self.shape)
