"""What the monitor says of pilots that are right, and of all that a receiver gets in their place."""

import logging

import numpy as np
import pytest

from blocks import Flowgraph, LSEstimator, PilotMonitor, TolerantChain, run_block
from blocks.radio.stream_tags import StreamTag, add_stream_tags
from blocks.runtime.frame import Frame
from sim.pilots import dft_pilots
from tests.streams import Collect, FrameSource, complex_normal

M, K, NOISE, GAIN = 16, 8, 1e-9, 1e-8
KNOWN = (-86.0, -80.0, -74.0)
X = dft_pilots(K, K, 1.0)
LONG = dft_pilots(K, 12, 1.0)
EXAMPLE = (lambda: PilotMonitor(X, NOISE), {"y": 1e-3 * complex_normal(np.random.default_rng(5), 23, M, K)})


def channels(rng, blocks, spread_db=5.0):
    levels = GAIN * 10 ** (spread_db * np.linspace(-1.2, 1.2, K) / 10)
    return np.sqrt(levels) * complex_normal(rng, blocks, M, K)


def received(rng, pilots=X, blocks=64, noise=NOISE, heard=1.0):
    return (heard * channels(rng, blocks) @ pilots + np.sqrt(noise) * complex_normal(rng, blocks, M, pilots.shape[1])).astype(np.complex64)


def monitored(y, caplog, pilots=X, tags=None, **options):
    """(report, what was logged) of a monitor."""
    monitor = PilotMonitor(pilots, NOISE, KNOWN, 1.2, **options)
    monitor.start()
    with caplog.at_level(logging.WARNING, "calibeam"):
        np.testing.assert_array_equal(monitor.process(range(len(y)), {"y": y}, tags or {})["y"], y)
    return monitor.report(), caplog.text


@pytest.mark.parametrize("pilots", [X, LONG], ids=["L = K", "L > K"])
def test_right_pilots_raise_no_warning_and_are_measured(pilots, rng, caplog):
    report, said = monitored(received(rng, pilots), caplog, pilots)
    assert not said
    assert report["channel_db"] == pytest.approx(-78, abs=1)
    assert report["strongest_snr_db"] - report["weakest_snr_db"] == pytest.approx(12, abs=1)
    assert report.get("pilot_fit", 1.0) == pytest.approx(1, abs=0.02)


def test_a_single_block_is_judged_too(rng, caplog):
    _, said = monitored(1e5 * received(rng, blocks=1), caplog)
    assert "channels of 2" in said


def test_samples_far_too_large_are_told_with_the_power_to_set(rng, caplog):
    _, said = monitored(1e5 * received(rng), caplog)
    assert "the calibration knows -86 ... -74 dB: set --uplink-power-dbm to 10" in said and "scale the samples by -10" in said


def test_samples_below_the_noise_are_told(rng, caplog):
    _, said = monitored(1e-5 * received(rng), caplog)
    assert "lie below the noise power of -90.0 dBm" in said


def test_noise_alone_is_told(rng, caplog):
    _, said = monitored(received(rng, heard=0.0), caplog)
    assert "hold no more than the noise of -90.0 dBm" in said


def test_pilots_outside_of_the_span_are_told_where_there_are_more_than_users(rng, caplog):
    report, said = monitored(received(rng, complex_normal(rng, K, 12)), caplog, LONG)
    assert "the pilots do not fit" in said and "--pilot-file" in said
    assert report["pilot_fit"] < 0.3


def test_noise_beside_the_pilots_is_told(rng, caplog):
    _, said = monitored(received(rng, LONG, noise=20 * NOISE), caplog, LONG)
    assert "the noise beside the pilots is -77" in said


def test_pilots_that_mix_users_are_told_by_levels_that_are_alike(rng, caplog):
    _, said = monitored(received(rng, np.sqrt(K) * np.eye(K)), caplog)
    assert "all 8 users are heard alike" in said


def test_permuted_pilots_cannot_be_told(rng, caplog):
    _, said = monitored(received(rng, X[::-1]), caplog)
    assert not said


def test_users_that_do_not_send_are_named(rng, caplog):
    pilots = X.copy()
    pilots[[2, 5]] = 0
    _, said = monitored(received(rng, pilots), caplog)
    assert "user 3, 6 of 8 is not heard" in said


@pytest.mark.parametrize(("preamble_db", "told"), [(27.0, "-102"), (15.0, ""), (-2.0, "-77")])
def test_a_preamble_of_another_snr_than_the_pilots_tells_the_noise_power(preamble_db, told, rng, caplog):
    tags: dict = {}
    add_stream_tags(tags, [StreamTag(n, "burst", {"snr_db": preamble_db}) for n in range(64)])
    _, said = monitored(received(rng, heard=0.5), caplog, tags=tags)
    assert (f"set --noise-dbm to about {told}" in said) if told else not said


def test_a_warning_is_not_repeated_within_seconds(rng, caplog):
    monitor = PilotMonitor(X, NOISE, KNOWN)
    monitor.start()
    with caplog.at_level(logging.WARNING, "calibeam"):
        for _ in range(50):
            monitor.work({}, 1e5 * received(rng, blocks=2))
    assert len(caplog.records) == 1


def test_nan_leaves_the_measurement_alone(rng, caplog):
    y = received(rng)
    y[3, 0, 0] = np.nan
    report, said = monitored(y, caplog)
    assert not said and np.isfinite(list(report.values())).all()


def test_blocks_whose_pilots_do_not_fit_are_refused_alone(rng):
    y = received(rng, LONG)
    wrong = [5, 40]
    y[wrong] = received(rng, complex_normal(rng, K, 12), blocks=2)
    fg = Flowgraph()
    fg.connect(
        FrameSource(Frame(0, {"y": y})), TolerantChain(PilotMonitor(LONG, NOISE, strict=True), LSEstimator(LONG)), collect := Collect()
    )
    found = fg.run()[collect.name]["arrays"]["h_est"]
    np.testing.assert_allclose(found, run_block(LSEstimator(LONG), y=np.delete(y, wrong, 0))["h_est"], rtol=1e-4, atol=1e-9)


def test_a_source_of_noise_alone_is_refused(rng):
    monitor = PilotMonitor(X, NOISE, strict=True)
    monitor.start()
    with pytest.raises(ValueError, match="nothing but noise"):
        monitor.work({}, received(rng, heard=0.0))
