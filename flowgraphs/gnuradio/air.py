"""The air between users and base station, as a GNU Radio block."""

import os
import sys

import numpy as np
from gnuradio import gr


class Air(gr.sync_block):
    """y = H x, turned by a carrier offset, plus noise.

    inputs, outputs: length of the vectors in and out; direction: "uplink" or "downlink"; block: number of the coherence block whose
    channel it is, and channels.npz has 16; offset: cycles per sample; noise_dbm: per sample. export_channels.py makes the file, which lies
    beside the program or in the working directory.
    """

    def __init__(self, inputs=4, outputs=64, direction="uplink", block=0, offset=0.0, noise_dbm=-85.0):
        gr.sync_block.__init__(self, name="Air", in_sig=[(np.complex64, inputs)], out_sig=[(np.complex64, outputs)])
        self.direction, self.block, self.offset, self.noise_dbm = direction, block, offset, noise_dbm
        self.turn = 0.0
        self.random = np.random.default_rng()

    def start(self):
        places = [os.path.join(folder, "channels.npz") for folder in (sys.path[0], os.getcwd())]
        self.channels = np.load(next(place for place in (*places, "channels.npz") if os.path.exists(place)))[self.direction]
        return True

    def work(self, input_items, output_items):
        x, y = input_items[0], output_items[0]
        turns = self.turn + self.offset * np.arange(len(x))
        self.turn = (self.turn + self.offset * len(x)) % 1.0
        noise = self.random.standard_normal((len(x), 2 * y.shape[1]), np.float32).view(np.complex64)
        h = self.channels[int(self.block) % len(self.channels)]
        y[:] = (x @ h.T) * np.exp(2j * np.pi * turns)[:, None] + np.sqrt(10 ** (self.noise_dbm / 10) / 2) * noise
        return len(y)
