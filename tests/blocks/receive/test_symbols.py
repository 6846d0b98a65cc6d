"""Real symbols through the downlink: the measured rate is the predicted one."""

import numpy as np
import pytest

from blocks import AWGN, Demod, DownlinkChannel, Flowgraph, GenieCSI, Precode, QAMSource, RateSink, ZFPrecoder
from sim.noise import Stream
from sim.world.scenario import Scenario

S = Scenario(antennas=32, users=4)


@pytest.mark.parametrize("order", [4, 64])
def test_measured_rate_is_that_of_equation_6(order):
    fg, precoder, symbols, demod = Flowgraph(), ZFPrecoder(S.downlink_power), QAMSource(4, 400, order), Demod(order)
    precode, down, rate = Precode(), DownlinkChannel(S), RateSink(S.noise_power)
    fg.connect(GenieCSI(S), precoder, precode, DownlinkChannel(S), AWGN(S.noise_power, stream=Stream.DOWNLINK_NOISE), (demod, "received"))
    fg.connect(symbols, precode)
    fg.connect(symbols, (demod, "symbols"))
    fg.connect(precoder, down, rate)
    results = fg.run(blocks=100)
    measured, predicted = results["Demod"], results["RateSink"]
    np.testing.assert_allclose(measured["rates"], predicted["rates"], rtol=0.05)
    assert measured["sum_rate"] == pytest.approx(predicted["sum_rate"], rel=0.005)
    assert measured["symbol_error_rate"].shape == measured["evm"].shape == measured["sinr_db"].shape == (4,)
    if order == 4:
        assert measured["symbol_error_rate"].max() < 0.01
