"""Links in other worlds than the room: one of a user's own, and users with several antennas."""

from dataclasses import replace

import numpy as np
import pytest

from blocks import (
    AWGN,
    BlockError,
    DownlinkChannel,
    Flowgraph,
    GenieCSI,
    LSEstimator,
    PilotSource,
    RateSink,
    UplinkChannel,
    WiringError,
    WMMSEPrecoder,
    run_block,
)
from sim.rate import effective_channel, sum_rate
from sim.world.rayleigh import Rayleigh
from sim.world.scenario import Scenario
from tests.sim.world.own_world import Corridor
from tests.streams import complex_normal

OWN = Scenario(antennas=16, users=3, world=Corridor(), noise_dbm=-90.0)
SEVERAL = Scenario(antennas=16, users=3, world=Rayleigh(), user_antennas=2, downlink_power_dbm=20.0, noise_dbm=0.0)


def rates(*blocks, **options):
    fg = Flowgraph()
    fg.connect(*blocks)
    return fg.run(blocks=30, **options)["RateSink"]["rates"]


@pytest.mark.parametrize("workers", ["thread", "process"])
def test_knowing_the_own_world_is_better_than_hearing_its_other_carrier(workers):
    wmmse = WMMSEPrecoder(OWN.downlink_power, OWN.noise_power)
    heard = [PilotSource(OWN.pilot_matrix()), UplinkChannel(OWN), AWGN(OWN.noise_power), LSEstimator(OWN.pilot_matrix())]
    ends = DownlinkChannel(OWN), RateSink(OWN.noise_power)
    assert (rates(GenieCSI(OWN), wmmse, *ends, workers=workers) > rates(*heard, wmmse, *ends, workers=workers)).mean() > 0.9


def test_a_link_with_several_antennas_gives_the_rate_of_its_channels():
    wmmse = WMMSEPrecoder(100.0, 1.0, 50, streams=2)
    found = rates(GenieCSI(SEVERAL), wmmse, DownlinkChannel(SEVERAL), RateSink(1.0, 2))
    h = SEVERAL.downlink(range(30))
    np.testing.assert_allclose(found, sum_rate(effective_channel(h, run_block(wmmse, h=h)["v"]), 1.0), rtol=1e-6)


def test_more_starts_never_lower_the_rate():
    h = replace(SEVERAL, antennas=6).downlink(range(20))
    reached = [sum_rate(effective_channel(h, run_block(WMMSEPrecoder(100.0, 1.0, 30, 2, n), h=h)["v"]), 1.0) for n in (1, 3)]
    assert (reached[1] >= reached[0]).all()
    assert (reached[1] > reached[0]).any()


def test_more_starts_serve_users_with_one_antenna_too(rng):
    h = complex_normal(rng, 20, 4, 4)
    rows = h.conj().swapaxes(1, 2)
    reached = [sum_rate(rows @ run_block(WMMSEPrecoder(100.0, 1.0, 30, starts=n), h_est=h)["v"], 1.0) for n in (1, 3)]
    assert (reached[1] >= reached[0]).all()
    assert (reached[1] > reached[0]).any()


def test_uplink_pilots_of_several_antennas_are_rows_of_their_own():
    y = run_block(UplinkChannel(SEVERAL), pilots=SEVERAL.pilot_matrix()[None])["y"]
    h_ul = run_block(LSEstimator(SEVERAL.pilot_matrix()), y=y)["h_est"]
    np.testing.assert_allclose(h_ul, SEVERAL.uplink(range(1)), atol=1e-5)


def test_a_precoder_for_users_with_one_antenna_does_not_fit_several():
    with pytest.raises(WiringError):
        Flowgraph().connect(GenieCSI(SEVERAL), WMMSEPrecoder(1.0, 1.0))


@pytest.mark.parametrize("s", [OWN, SEVERAL], ids=["one antenna", "several"])
def test_a_precoder_of_too_much_power_is_refused(s):
    streams = s.user_streams if s.user_antennas > 1 else None
    blocks = GenieCSI(s), WMMSEPrecoder(100 * s.downlink_power, s.noise_power, streams=streams)
    with pytest.raises(BlockError, match=r"gives a precoder of power .* mW at coherence block \d+, .*allow_power=True"):
        rates(*blocks, DownlinkChannel(s), RateSink(s.noise_power, s.user_antennas))
    assert len(rates(*blocks, DownlinkChannel(s, allow_power=True), RateSink(s.noise_power, s.user_antennas))) == 30


def test_a_precoder_with_nan_in_it_is_refused():
    v = np.zeros((2, 16, 3), np.complex64)
    v[1, 4, 2] = np.nan
    with pytest.raises(ValueError, match="power nan mW at coherence block 1"):
        run_block(DownlinkChannel(OWN), v=v)


@pytest.mark.parametrize("arguments", [{"streams": 0}, {"starts": 0}, {"iterations": -1}])
def test_numbers_that_do_not_fit_are_named(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}="):
        WMMSEPrecoder(1.0, 1.0, **arguments)
