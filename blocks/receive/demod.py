"""What the users make of the received symbols."""

import numpy as np

from blocks.runtime import Block, Signal
from sim.modulation import constellation, decide, received_quality


class Demod(Block):
    """Equalises each user's symbols by one gain per coherence block, decides, and measures what arrived against what was sent.

    In:   received  (K, T) complex64   row k is what user k hears
          symbols   (K, T) complex64   what was sent, QAM of unit mean power

    order: of the constellation. Result: {"sum_rate": mean over blocks of the sum of log2(1 + measured SINR), bit/s/Hz, "rates": (blocks,),
    "symbol_error_rate", "evm" (root mean square, of the symbols' root mean square), "sinr_db" (of the mean error power): (K,) each}.
    The gain is the least-squares one, known to the receiver from the data. Raises ValueError for an unknown order.
    """

    inputs = {"received": Signal("K", "T"), "symbols": Signal("K", "T")}

    def __init__(self, order: int = 16):
        constellation(order)
        self.order = order

    def start(self):
        self._rates, self._wrong, self._error, self._count = [], 0, 0.0, 0

    def work(self, received, symbols):
        gain, sinr = received_quality(received, symbols)
        equalised = received / gain[..., None]
        self._rates.append(np.log2(1 + sinr).sum(1))
        self._wrong = self._wrong + (np.abs(decide(equalised, self.order) - symbols) > 1e-3).sum((0, 2))
        self._error = self._error + (1 / sinr).sum(0)
        self._count += received.shape[0] * received.shape[2]

    def report(self):
        return {"sum_rate": float(np.mean(self._rates[-1]))} if getattr(self, "_rates", None) else {}

    def result(self):
        if not self._rates:
            return None
        rates = np.concatenate(self._rates)
        error = self._error / len(rates)
        return {
            "sum_rate": float(rates.mean()),
            "rates": rates,
            "symbol_error_rate": self._wrong / self._count,
            "evm": np.sqrt(error),
            "sinr_db": -10 * np.log10(error),
        }
