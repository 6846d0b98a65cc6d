"""The users' receivers, as a GNU Radio block."""

import numpy as np
from gnuradio import gr


class Receivers(gr.sync_block):
    """Scales and turns what each user hears, burst by burst, so that 16-QAM lies where it should.

    users: length of the vectors; symbols: per burst. The phase is the one that fits the nearest points best, from a first guess by the
    fourth power; a quarter turn stays open, which a picture does not show. `evm` holds each user's error vector magnitude so far, against
    the nearest points; `sinr_db` what follows of it, NaN below 14 dB: the nearest point is then too often another one than was sent, and
    noise alone would come out as 10 dB.
    """

    trusted_db = 14.0

    def __init__(self, users=4, symbols=64):
        gr.sync_block.__init__(self, name="Receivers", in_sig=[(np.complex64, users)], out_sig=[(np.complex64, users)])
        self.set_output_multiple(symbols)
        self.symbols, self.count, self.errors = symbols, 0, np.zeros(users)

    @property
    def evm(self):
        return np.sqrt(self.errors / max(self.count, 1))

    @property
    def sinr_db(self):
        found = -20 * np.log10(np.maximum(self.evm, 1e-10))
        return np.where((found >= self.trusted_db) & (self.count > 0), found, np.nan)

    def work(self, input_items, output_items):
        heard = input_items[0].reshape(-1, self.symbols, input_items[0].shape[1]).astype(complex)
        heard /= np.sqrt((np.abs(heard) ** 2).mean(1, keepdims=True)) + 1e-30
        heard *= np.exp(-0.25j * np.angle(-(heard**4).mean(1, keepdims=True)))
        for _ in range(2):
            points = nearest(heard)
            heard *= np.exp(-1j * np.angle((heard * points.conj()).sum(1, keepdims=True)))
        points = nearest(heard)
        gain = (heard * points.conj()).real.sum(1, keepdims=True) / (np.abs(points) ** 2).sum(1, keepdims=True)
        self.errors += (np.abs(heard / gain - points) ** 2).mean(1).sum(0)
        self.count += len(heard)
        output_items[0][:] = (heard / gain).reshape(output_items[0].shape)
        return len(output_items[0])


def nearest(x):
    """The point of 16-QAM with unit mean power nearest to each entry."""

    def level(part):
        return (2 * np.clip(np.round((part * np.sqrt(10) + 3) / 2), 0, 3) - 3) / np.sqrt(10)

    return level(x.real) + 1j * level(x.imag)
