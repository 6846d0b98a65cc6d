"""What the base station knows of its pilots and powers: the advice of docs/radio.md on powers, and what the status line says."""

import numpy as np
import pytest
import zmq

from blocks import AWGN, Flowgraph, PilotSource, RateSink, SigMFSink, UplinkChannel, run_block
from blocks.radio.stream_tags import StreamTag, encode_header
from blocks.runtime import wire
from blocks.runtime.frame import Frame
from flowgraphs.wiring.receiver import learned_calibration, make_receiver
from flowgraphs.wiring.trained_for import ROOM_CHANNELS_DB, ROOM_SPREAD_DB, known_channels, outside_of_training
from sim.pilots import dft_pilots
from sim.world.scenario import Scenario
from tests.flowgraphs.base_station_process import DEADLINE_S, B, S, Y, base_station, frames_of
from tests.streams import ArraySource

LINK_S = Scenario(64, 8)
BLOCKS = range(100)
SCALE_DB = 47.0


def received(s, index):
    arrays: dict = {}
    for block in (PilotSource(s.pilot_matrix()), UplinkChannel(s), AWGN(s.noise_power, s.seed)):
        arrays = run_block(block, index, **arrays)
    return arrays["y"]


def rate(y, uplink_power_dbm, noise_dbm, user_noise_dbm):
    """Mean sum rate in the room, whose users hear noise of -85 dBm, of a base station with these settings."""
    s = Scenario(64, 8, uplink_power_dbm=uplink_power_dbm, noise_dbm=noise_dbm)
    receiver, arrays = make_receiver(s, "ls", "calibrated", "calibrated", user_noise_dbm=user_noise_dbm), {"y": y}
    for block in (*receiver.estimate, *receiver.precode):
        arrays = run_block(block, **arrays)
    return run_block(RateSink(LINK_S.noise_power), g=LINK_S.downlink(BLOCKS) @ arrays["v"])["sum_rate"]


@pytest.fixture(scope="module")
def samples():
    """Received pilots, as a receiver with a gain of SCALE_DB gives them."""
    return 10 ** (SCALE_DB / 20) * received(LINK_S, BLOCKS)


def test_powers_of_scaled_samples_give_the_rate_of_the_simulation(samples):
    simulated = rate(received(LINK_S, BLOCKS), -10.0, -85.0, -85.0)
    assert rate(samples, -10 + SCALE_DB, -85 + SCALE_DB, -85.0) == pytest.approx(simulated, rel=0.01)


def test_the_advice_to_set_the_uplink_power_by_the_level_gives_the_rate_of_the_simulation(samples):
    noise_dbm = -85 + SCALE_DB
    one_user_dbm = 10 * np.log10(((np.abs(samples) ** 2).mean() - 10 ** (noise_dbm / 10)) / LINK_S.users)
    simulated = rate(received(LINK_S, BLOCKS), -10.0, -85.0, -85.0)
    assert rate(samples, one_user_dbm - ROOM_CHANNELS_DB[1], noise_dbm, -85.0) == pytest.approx(simulated, rel=0.02)


def test_the_noise_of_scaled_samples_at_the_users_costs_most_of_the_rate(samples):
    simulated = rate(received(LINK_S, BLOCKS), -10.0, -85.0, -85.0)
    assert rate(samples, -10 + SCALE_DB, -85 + SCALE_DB, -85 + SCALE_DB) < 0.6 * simulated


def test_the_channels_of_the_room_are_those_that_are_stated():
    for antennas in (16, 128):
        gains = 10 * np.log10((np.abs(Scenario(antennas, 8, split="train").uplink(range(1000))) ** 2).mean(1))
        assert (
            ROOM_CHANNELS_DB[0] < gains.min() < ROOM_CHANNELS_DB[0] + 2
            and ROOM_CHANNELS_DB[2] - 2 < gains.max() < ROOM_CHANNELS_DB[2] + 0.1
        )
        assert 10 * np.log10((10 ** (gains / 10)).mean()) == pytest.approx(ROOM_CHANNELS_DB[1], abs=0.3)
        assert (gains.std(1) < ROOM_SPREAD_DB).mean() < 0.01


@pytest.mark.parametrize(
    ("link", "user_noise_dbm", "words"),
    [
        ({}, -85.0, ""),
        ({"users": 17, "antennas": 64}, -85.0, "--users 17: calibrated-m64 was trained for 2 ... 16 users"),
        ({"noise_dbm": -38.0}, -85.0, "--uplink-power-dbm -10 is 28 dB above --noise-dbm -38"),
        ({}, -38.0, "--downlink-power-dbm 5 is 43 dB above --user-noise-dbm -38: calibrated-m64 was trained for 80 ... 100 dB"),
    ],
)
def test_settings_outside_of_training_are_told(link, user_noise_dbm, words):
    s = Scenario(**link)
    found = outside_of_training(learned_calibration(s, "calibrated"), s, user_noise_dbm)
    assert (words in found[0]) if words else not found


def test_no_calibration_knows_no_channels():
    assert not known_channels("none", None)


def said_of(peer, y, *options):
    """What a base station with these options prints, given these frames of received pilots."""
    with base_station("--input", peer.at("in"), *options) as (_, said):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        push.send_multipart(wire.encode(Frame(0, {"y": y})))
        frames_of(pull, len(y))
    return " ".join(said[0].split())


def test_pilots_of_the_link_are_measured_in_the_status_line_without_a_warning(peer):
    said = said_of(peer, Y)
    assert f"{B} blocks" in said and "SNR of users" in said and "channels -8" in said
    assert "WARNING" not in said


def test_samples_far_too_large_are_told(peer):
    assert "the calibration knows -92 ... -76 dB: set --uplink-power-dbm to" in said_of(peer, 1e5 * Y)


def test_noise_alone_is_told(peer):
    rng = np.random.default_rng(1)
    noise = np.sqrt(S.noise_power / 2) * (rng.standard_normal((40, 16, 4)) + 1j * rng.standard_normal((40, 16, 4)))
    assert "are the users sending, with enough power?" in said_of(peer, noise.astype(np.complex64))


def test_pilots_of_a_file_are_those_that_fit(peer, tmp_path):
    rng = np.random.default_rng(2)
    x = dft_pilots(4, 6, S.uplink_power) * np.exp(2j * np.pi * rng.random((4, 6)))
    np.save(tmp_path / "x.npy", x)
    noise = np.sqrt(S.noise_power / 2) * (rng.standard_normal((40, 16, 6)) + 1j * rng.standard_normal((40, 16, 6)))
    y = (10 * S.uplink(range(40)) @ x + noise).astype(np.complex64)
    loud = ("--calibration", "none", "--precoder", "zf")
    assert "the pilots do not fit" not in said_of(peer, y, *loud, "--pilot-file", tmp_path / "x.npy")


def test_other_pilots_than_the_users_are_told(peer):
    rng = np.random.default_rng(2)
    x = np.sqrt(S.uplink_power) * np.exp(2j * np.pi * rng.random((4, 6)))
    y = (10 * S.uplink(range(40)) @ x).astype(np.complex64)
    assert "the pilots do not fit" in said_of(peer, y, "--calibration", "none", "--precoder", "zf", "--pilots", "6")


def test_tagged_bursts_whose_pilots_do_not_fit_are_left_out(peer):
    rng = np.random.default_rng(3)
    right, wrong = dft_pilots(4, 6, S.uplink_power), np.sqrt(S.uplink_power) * np.exp(2j * np.pi * rng.random((4, 6)))
    sent = np.stack([wrong if number in (2, 5) else right for number in range(B)])
    y = (10 * S.uplink(range(B)) @ sent).astype(np.complex64)
    stream = np.pad(y.swapaxes(1, 2), ((0, 0), (9, 0), (0, 0))).reshape(-1, 16)
    tags = [StreamTag(15 * number + 9, "go") for number in range(B)]
    options = ("--from", "gnuradio", "--input", peer.at("in"), "--input-tags", "--sync", "tag", "--tag", "go", "--output", peer.at("out"))
    with base_station(*options, "--pilots", "6", "--calibration", "none", "--precoder", "zf") as (_, said):
        push, pull = peer.socket(zmq.PUSH, "in", bind=True), peer.socket(zmq.PULL, "out")
        push.send(encode_header(0, tags) + stream.tobytes())
        v = frames_of(pull, B - 2)
    h = S.uplink(range(B))[[number for number in range(B) if number not in (2, 5)]]
    g = np.abs(h.conj().swapaxes(1, 2) @ v)
    assert (g * (1 - np.eye(4))).max() < 1e-3 * g.max()
    assert "2 unusable blocks" in said[0] and "skipped" not in said[0] and "lost" not in said[0]


def test_a_stream_without_bursts_is_told(peer, tmp_path):
    rng = np.random.default_rng(4)
    noise = (rng.standard_normal((3000, 16)) + 1j * rng.standard_normal((3000, 16))).astype(np.complex64)
    recorded = Flowgraph()
    recorded.connect(ArraySource(samples=noise), SigMFSink(tmp_path / "kept"))
    recorded.run(blocks=len(noise), batch=1000)
    with base_station("--from", "sigmf", "--input", tmp_path / "kept", "--output", peer.at("out")) as (process, said):
        peer.socket(zmq.PULL, "out")
        assert process.wait(DEADLINE_S) == 0
    assert "no burst in 3,000 samples" in " ".join(said[0].split())
