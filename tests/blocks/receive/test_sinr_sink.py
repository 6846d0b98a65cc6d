"""SINR and outage of every user."""

import numpy as np
import pytest

from blocks import DownlinkChannel as Downlink
from blocks import Flowgraph, GenieCSI, RateSink, SINRSink, ZFPrecoder, run_block
from tests.blocks.link_data import BLOCKS, RNG, N, P, S
from tests.streams import complex_normal

EXAMPLE = (lambda: SINRSink(N, outage_db=10.0), {"g": 1e-5 * complex_normal(RNG, BLOCKS, 4, 4)})


def test_sinr_is_signal_over_interference_and_noise():
    g = np.array([[[2, 1], [0, 3]]], np.complex64)
    np.testing.assert_allclose(run_block(SINRSink(1.0), g=g)["sinr_db"], 10 * np.log10([[4 / 2, 9]]))


def test_the_rates_of_the_same_link_follow_from_it():
    fg, down = Flowgraph(), Downlink(S)
    fg.connect(GenieCSI(S), ZFPrecoder(P), down, RateSink(N))
    fg.connect(down, SINRSink(N))
    results = fg.run(blocks=100)
    np.testing.assert_allclose(np.log2(1 + 10 ** (results["SINRSink"]["sinr_db"] / 10)).sum(1), results["RateSink"]["rates"], rtol=1e-6)


def test_outage_is_the_share_of_blocks_below_the_threshold():
    g = np.zeros((4, 2, 2), np.complex64)
    g[:, 0, 0], g[:, 1, 1] = [1, 2, 3, 0], 2
    found = run_block(SINRSink(1.0, outage_db=6.0), g=g)
    np.testing.assert_array_equal(found["outage"], [0.5, 0.0])
    assert found["sinr_db"][3, 0] == found["p5_db"] == -np.inf


@pytest.mark.parametrize(
    ("options", "words"), [({"noise_power": 0.0}, "noise_power=0"), ({"noise_power": 1.0, "outage_db": np.nan}, "outage_db=nan")]
)
def test_bad_numbers_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        SINRSink(**options)
