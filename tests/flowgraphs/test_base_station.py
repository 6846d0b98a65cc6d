"""Every input and output of the base station, as a process of its own."""

import numpy as np
import pytest
import sigmf
import zmq

from blocks import Demod, run_block
from blocks.radio import pmt
from blocks.runtime import wire
from blocks.runtime.frame import Frame
from sim.modulation import random_symbols
from sim.preamble import shift_carrier, zadoff_chu
from sim.world.scenario import Scenario
from tests.flowgraphs.base_station_process import DEADLINE_S, B, S, V, Y, base_station, frames_of, heard_by
from tests.streams import complex_normal

LOUD = ("--noise-dbm", "-60", "--uplink-power-dbm", "90", "--user-noise-dbm", "-85")


def test_frames_in_precoders_out(peer):
    with base_station("--input", peer.at("in")):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        for start in range(0, B, 4):
            push.send_multipart(wire.encode(Frame(start, {"y": Y[start : start + 4]}, {"mine": 7})))
        np.testing.assert_allclose(frames_of(pull, B), V, rtol=1e-4, atol=1e-6)


def test_pdus_in_and_out(peer):
    with base_station("--from", "pdus", "--input", peer.at("in"), "--to", "pdus", "--output", peer.at("out")):
        push, pull = peer.socket(zmq.PUSH, "in", bind=True), peer.socket(zmq.PULL, "out")
        for y in Y:
            push.send(pmt.encode(pmt.Pair({}, y.ravel())))
        got = []
        while len(got) < B:
            got.append(pmt.decode(heard_by(pull)[0]))
        np.testing.assert_allclose([pdu.cdr.reshape(16, 4) for pdu in got], V, rtol=1e-4, atol=1e-6)
        assert [pdu.car["block"] for pdu in got] == list(range(B))


@pytest.mark.parametrize("layout", ["vector", "interleaved"])
def test_aligned_samples_in_precoded_samples_out(layout, peer):
    options = (
        "--from",
        "gnuradio",
        "--sync",
        "aligned",
        "--input",
        peer.at("in"),
        "--to",
        "samples",
        "--output",
        peer.at("out"),
        "--symbols",
        32,
        "--order",
        64,
        "--seed",
        5,
        "--layout",
        layout,
    )
    with base_station(*options):
        push, pull = peer.socket(zmq.PUSH, "in", bind=True), peer.socket(zmq.PULL, "out")
        stream = np.ascontiguousarray(Y.swapaxes(1, 2)).tobytes()
        whole = 128 if layout == "vector" else 8  # bytes of an item
        for start in range(0, len(stream), 5 * whole):
            push.send(stream[start : start + 5 * whole])
        got = b""
        while len(got) < B * 32 * 16 * 8:
            got += heard_by(pull)[0]
    x = np.frombuffer(got, np.complex64).reshape(B, 32, 16).swapaxes(1, 2)
    data = random_symbols(64, 5, range(B), (4, 32))
    np.testing.assert_allclose(x, V @ data, rtol=1e-3, atol=1e-4)
    heard = S.downlink(range(B)) @ x
    assert run_block(Demod(64), received=heard, symbols=data)["sum_rate"] > 1


def bursts(count, offset=1e-3, noise=1e-3):
    rng = np.random.default_rng(1)
    pieces = []
    for number in range(count):
        sent = np.concatenate((np.tile(zadoff_chu(61, 25) * 0.1, (4, 1)), S.pilot_matrix()), 1)
        heard = S.uplink(range(number, number + 1))[0] @ sent / 1e-5
        gap = noise * complex_normal(rng, rng.integers(0, 60), 16)
        pieces += [gap, (heard.T + noise * complex_normal(rng, heard.shape[1], 16))]
    pieces.append(noise * complex_normal(rng, 200, 16))
    return shift_carrier(np.concatenate(pieces).astype(np.complex64), offset)


def test_bursts_in_pdus_out_and_recorded(peer, tmp_path):
    stream = bursts(B)
    with base_station(
        "--from", "gnuradio", "--input", peer.at("in"), "--to", "pdus", "--output", peer.at("out"), *LOUD, "--record", tmp_path / "kept"
    ) as (_, said):
        push, pull = peer.socket(zmq.PUSH, "in", bind=True), peer.socket(zmq.PULL, "out")
        for start in range(0, len(stream), 111):
            push.send(stream[start : start + 111].tobytes())
        got = []
        while len(got) < B:
            got.append(pmt.decode(heard_by(pull)[0]))
    assert all(abs(pdu.car["burst"]["carrier_offset"] - 1e-3) < 1e-4 and pdu.car["burst"]["snr_db"] > 5 for pdu in got)
    assert f"{B} blocks" in said[0] and "preamble" in said[0] and "skipped" not in said[0]
    recording = sigmf.fromfile(tmp_path / "kept.sigmf-meta")
    np.testing.assert_array_equal(recording.read_samples(), stream)
    with base_station("--from", "sigmf", "--input", tmp_path / "kept", "--output", peer.at("again"), *LOUD) as (process, _):
        again = frames_of(peer.socket(zmq.PULL, "again"), B)
        assert process.wait(DEADLINE_S) == 0  # the end of a recording is the end
    np.testing.assert_allclose(again, [pdu.cdr.reshape(16, 4) for pdu in got], rtol=1e-3, atol=1e-5)


def test_recorded_pilots_give_the_same_precoders(peer, tmp_path):
    with base_station("--input", peer.at("in"), "--record", tmp_path / "kept"):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        push.send_multipart(wire.encode(Frame(0, {"y": Y})))
        first = frames_of(pull, B)
    with base_station("--from", "sigmf", "--sync", "aligned", "--input", tmp_path / "kept", "--output", peer.at("out")) as (process, _):
        np.testing.assert_allclose(frames_of(peer.socket(zmq.PULL, "out"), B), first, rtol=1e-4, atol=1e-6)
        process.wait(DEADLINE_S)


def test_srsran_on_every_antenna(peer):
    m, k = 2, 2
    s = Scenario(m, k)
    y = complex_normal(np.random.default_rng(4), B, m, k)
    inputs = [option for n in range(m) for option in ("--input", peer.at(f"tx{n}"))]
    outputs = [option for n in range(m) for option in ("--output", peer.at(f"rx{n}"))]
    with base_station(
        "--calibration",
        "none",
        "--precoder",
        "zf",
        "--from",
        "srsran",
        "--sync",
        "aligned",
        *inputs,
        "--to",
        "srsran",
        *outputs,
        "--symbols",
        8,
        link=("--antennas", m, "--users", k),
    ):
        ask = [peer.socket(zmq.REQ, f"rx{n}") for n in range(m)]
        answer = [peer.socket(zmq.REP, f"tx{n}", bind=True) for n in range(m)]
        for n in range(m):
            assert answer[n].poll(1000 * DEADLINE_S)
            assert answer[n].recv() in (b"\xff", b"\x00")
            answer[n].send(np.ascontiguousarray(y[:, n]).tobytes())
        x = []
        for n in range(m):
            ask[n].send(b"\xff")
            assert ask[n].poll(1000 * DEADLINE_S)
            x.append(np.frombuffer(ask[n].recv(), np.complex64).reshape(B, 8))
    v = y @ np.linalg.pinv(s.pilot_matrix())  # least squares and zero forcing, done by hand
    v = v @ np.linalg.inv(v.conj().swapaxes(1, 2) @ v)
    v *= np.sqrt(s.downlink_power / (np.abs(v) ** 2).sum((1, 2), keepdims=True))
    np.testing.assert_allclose(np.stack(x, 1), v @ random_symbols(16, 0, range(B), (k, 8)), rtol=1e-3, atol=1e-4)


def test_tags_of_the_sender_reach_the_receiver(peer):
    with base_station("--input", peer.at("in")):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        push.send_multipart(wire.encode(Frame(0, {"y": Y}, {"run": "a"})))
        frame = wire.decode(heard_by(pull))
        assert frame.tags == {"run": "a"}
