"""Write the channels of a few coherence blocks of the built-in room to a file that NumPy alone can read.

python flowgraphs/gnuradio/export_channels.py --antennas 64 --users 4 --blocks 16
"""

from pathlib import Path

import numpy as np
import typer

from sim.world.scenario import Scenario

FILE = Path(__file__).with_name("channels.npz")


def export_channels(antennas: int = 64, users: int = 4, blocks: int = 16, file: Path = FILE):
    """Arrays "uplink" (blocks, M, K) and "downlink" (blocks, K, M), complex64: amplitudes between antennas, for powers in mW."""
    uplink, downlink = Scenario(antennas, users).channels(range(blocks))
    np.savez_compressed(file, uplink=uplink, downlink=downlink)


if __name__ == "__main__":
    typer.run(export_channels)
