"""The base station as a process of its own: every input and output, peers that die and return, garbage, keys."""

import json
import signal
import subprocess
import time
from contextlib import contextmanager

import msgpack
import numpy as np
import pytest
import sigmf
import zmq

from blocks import AWGN, Demod, PilotSource, Signal, UplinkChannel, ZmqSink, ZmqSource, run_block
from blocks.radio import pmt
from blocks.runtime import wire
from blocks.runtime.frame import Frame
from blocks.runtime.sockets import make_keys
from flowgraphs import base_station as base_station_program
from flowgraphs.wiring.receiver import make_receiver
from sim.modulation import random_symbols
from sim.preamble import shift_carrier, zadoff_chu
from sim.world.scenario import Scenario
from tests.program import finished, free_ports, started
from tests.streams import complex_normal

S = Scenario(16, 4)
LINK = ("--antennas", "16", "--users", "4")
B = 12


@contextmanager
def base_station(*options, signal_number=signal.SIGINT, code=0):
    said: list[str] = []
    with started("flowgraphs/base_station.py", *LINK, *options, stderr=subprocess.STDOUT) as process:
        yield process, said
        if process.poll() is None:
            process.send_signal(signal_number)
        said.append(process.communicate(timeout=20)[0])
        assert process.returncode == code, said


def received(blocks=B):
    fg_blocks = [PilotSource(S.pilot_matrix()), UplinkChannel(S), AWGN(S.noise_power, S.seed)]
    arrays: dict = {}
    for block in fg_blocks:
        arrays = run_block(block, range(blocks), **arrays)
    return arrays["y"]


def precoders(y):
    receiver = make_receiver(S, "ls", "calibrated", "calibrated")
    arrays: dict = {"y": y}
    for block in (*receiver.estimate, *receiver.precode):
        arrays = run_block(block, **arrays)
    return arrays["v"]


Y = received()
V = precoders(Y)


class Peer:
    """Sockets of the other side."""

    def __init__(self, folder, context):
        self.folder, self.context, self.sockets = folder, context, []

    def at(self, name):
        return f"ipc://{self.folder}/{name}"

    def socket(self, kind, name, bind=False):
        socket = self.context.socket(kind)
        (socket.bind if bind else socket.connect)(self.at(name))
        self.sockets.append(socket)  # one that nobody holds is closed
        return socket


@pytest.fixture
def peer(tmp_path, context):
    return Peer(tmp_path, context)


def frames_of(socket, count, timeout_s=20):
    """{block index: array} until there are `count`, each with the tags of its frame."""
    found = {}
    while len(found) < count:
        assert socket.poll(1000 * timeout_s), f"only {sorted(found)} came"
        frame = wire.decode(socket.recv_multipart())
        [array] = frame.arrays.values()
        found.update(zip(frame.index, array, strict=True))
    return np.array([found[n] for n in sorted(found)])


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
            assert pull.poll(20_000)
            got.append(pmt.decode(pull.recv()))
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
            assert pull.poll(20_000)
            got += pull.recv()
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


LOUD = ("--noise-dbm", "-60", "--uplink-power-dbm", "90")


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
            assert pull.poll(20_000), len(got)
            got.append(pmt.decode(pull.recv()))
    assert all(abs(pdu.car["burst"]["carrier_offset"] - 1e-3) < 1e-4 and pdu.car["burst"]["snr_db"] > 5 for pdu in got)
    assert f"{B} blocks" in said[0] and "SNR" in said[0]
    recording = sigmf.fromfile(tmp_path / "kept.sigmf-meta")
    np.testing.assert_array_equal(recording.read_samples(), stream)
    with base_station("--from", "sigmf", "--input", tmp_path / "kept", "--output", peer.at("again"), *LOUD) as (process, _):
        again = frames_of(peer.socket(zmq.PULL, "again"), B)
        assert process.wait(20) == 0  # the end of a recording is the end
    np.testing.assert_allclose(again, [pdu.cdr.reshape(16, 4) for pdu in got], rtol=1e-3, atol=1e-5)


def test_recorded_pilots_give_the_same_precoders(peer, tmp_path):
    with base_station("--input", peer.at("in"), "--record", tmp_path / "kept"):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        push.send_multipart(wire.encode(Frame(0, {"y": Y})))
        first = frames_of(pull, B)
    with base_station("--from", "sigmf", "--sync", "aligned", "--input", tmp_path / "kept", "--output", peer.at("out")) as (process, _):
        np.testing.assert_allclose(frames_of(peer.socket(zmq.PULL, "out"), B), first, rtol=1e-4, atol=1e-6)
        process.wait(20)


def test_srsran_on_every_antenna(peer):
    m, k = 2, 2
    s = Scenario(m, k)
    y = complex_normal(np.random.default_rng(4), B, m, k)
    inputs = [option for n in range(m) for option in ("--input", peer.at(f"tx{n}"))]
    outputs = [option for n in range(m) for option in ("--output", peer.at(f"rx{n}"))]
    with base_station(
        "--antennas",
        m,
        "--users",
        k,
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
    ):
        ask = [peer.socket(zmq.REQ, f"rx{n}") for n in range(m)]
        answer = [peer.socket(zmq.REP, f"tx{n}", bind=True) for n in range(m)]
        for n in range(m):
            assert answer[n].poll(20_000)
            assert answer[n].recv() in (b"\xff", b"\x00")
            answer[n].send(np.ascontiguousarray(y[:, n]).tobytes())
        x = []
        for n in range(m):
            ask[n].send(b"\xff")
            assert ask[n].poll(20_000)
            x.append(np.frombuffer(ask[n].recv(), np.complex64).reshape(B, 8))
    v = y @ np.linalg.pinv(s.pilot_matrix())  # least squares and zero forcing, done by hand
    v = v @ np.linalg.inv(v.conj().swapaxes(1, 2) @ v)
    v *= np.sqrt(s.downlink_power / (np.abs(v) ** 2).sum((1, 2), keepdims=True))
    np.testing.assert_allclose(np.stack(x, 1), v @ random_symbols(16, 0, range(B), (k, 8)), rtol=1e-3, atol=1e-4)


def sender(endpoint, first):
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 0
        push.connect(endpoint)
        for start in range(first, first + B, 4):
            push.send_multipart(wire.encode(Frame(start, {"y": Y[start - first : start - first + 4]})))
        time.sleep(60)


def test_a_sender_killed_and_back_loses_only_what_it_did_not_send(peer, spawned):
    with base_station("--input", peer.at("in")):
        pull = peer.socket(zmq.PULL, "in-out")
        first = spawned(sender, peer.at("in"), 0)
        np.testing.assert_allclose(frames_of(pull, B), V, rtol=1e-4, atol=1e-6)
        first.kill()
        first.join()
        spawned(sender, peer.at("in"), 100)
        np.testing.assert_allclose(frames_of(pull, B), V, rtol=1e-4, atol=1e-6)


def test_a_base_station_killed_and_back_is_used_again(peer):
    push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
    with base_station("--input", peer.at("in"), signal_number=signal.SIGKILL, code=-9):
        push.send_multipart(wire.encode(Frame(0, {"y": Y})))
        frames_of(pull, B)
    with base_station("--input", peer.at("in"), signal_number=signal.SIGTERM):
        push.send_multipart(wire.encode(Frame(0, {"y": Y})))
        np.testing.assert_allclose(frames_of(pull, B), V, rtol=1e-4, atol=1e-6)


GARBAGE = [
    [b""],
    [b"\x00" * 100],
    [msgpack.packb({"v": 1, "kind": "data", "start": 0, "count": 2**40, "arrays": []})],
    [b"\xc1"] * 5,
    wire.encode(Frame(0, {"y": Y[:, :3]})),
    wire.encode(Frame(0, {"h": Y})),
    wire.encode(Frame(0, {"y": Y.astype(complex)})),
    wire.encode_end(),
    wire.encode_error("the other side failed"),
    wire.encode(Frame(0, {"y": np.full_like(Y[:2], np.nan)})),
    wire.encode(Frame(0, {"y": np.full_like(Y[:2], 1e38)})),
]


def test_garbage_costs_its_own_blocks_alone(peer):
    rng = np.random.default_rng(3)
    with base_station("--input", peer.at("in")) as (_, said):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        for message in [*GARBAGE, *([rng.bytes(rng.integers(0, 60))] for _ in range(2000))]:
            push.send_multipart(message)
        mixed = Y.copy()
        mixed[3] = np.nan
        push.send_multipart(wire.encode(Frame(50, {"y": mixed})))
        np.testing.assert_allclose(frames_of(pull, B - 1), np.delete(V, 3, 0), rtol=1e-4, atol=1e-6)
    assert "5 unusable blocks" in said[0] and "2,008 bad messages" in said[0], said[0]


def test_a_slow_receiver_gets_everything(peer):
    with base_station("--input", peer.at("in")):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        for start in range(200):
            push.send_multipart(wire.encode(Frame(start, {"y": Y[start % B : start % B + 1]})))
        time.sleep(1)
        np.testing.assert_allclose(frames_of(pull, 200), np.tile(V, (17, 1, 1))[:200], rtol=1e-4, atol=1e-6)


def fdd(*options):
    return finished("flowgraphs/fdd_e2e.py", *LINK, "--blocks", "150", "--batch", "20", *options, timeout_s=100)


def test_fdd_e2e_has_the_same_rates_through_a_base_station(peer, tmp_path):
    endpoint = f"tcp://127.0.0.1:{free_ports(2)}"
    make_keys(tmp_path / "keys")
    with base_station("--input", endpoint, "--curve", tmp_path / "keys"):
        there = ("--base-station", endpoint, "--curve", tmp_path / "keys")
        for name, options in (("there", there), ("here", ()), ("there", there)):
            done = fdd("--json", tmp_path / f"{name}.json", *options)
            assert done.returncode == 0, done.stderr
    rates = [json.loads((tmp_path / f"{name}.json").read_text())["methods"]["link"]["sum_rate"] for name in ("here", "there")]
    assert rates[0] == pytest.approx(rates[1], rel=1e-6)


@pytest.mark.parametrize("keys", [None, "others"])
def test_strangers_get_nothing_through(keys, peer, tmp_path):
    for name in ("own", "others"):
        make_keys(tmp_path / name)
    with base_station("--input", peer.at("in"), "--curve", tmp_path / "own") as (_, said):
        stranger = ZmqSink(peer.at("in"), bind=False, curve=keys and str(tmp_path / keys))
        stranger.name = "stranger"
        stranger.start()
        friend = ZmqSink(peer.at("in"), bind=False, curve=str(tmp_path / "own"))
        friend.start()
        listener = ZmqSource(peer.at("in-out"), curve=str(tmp_path / "own"), v=Signal(16, 4))
        listener.start()
        eavesdropper = ZmqSource(peer.at("in-out"), curve=keys and str(tmp_path / keys), v=Signal(16, 4))
        eavesdropper.start()
        stranger.interrupted = lambda: True
        stranger.work(range(5), {}, y=Y[:5])
        friend.work(range(B), {}, y=Y)
        heard = listener.frames(B, B)
        first = next(frame for frame in heard if frame is not None)
        np.testing.assert_allclose(first.arrays["v"], V, rtol=1e-4, atol=1e-6)
        assert [next(eavesdropper.frames(1, 1)) for _ in range(10)] == 10 * [None]
        for block in (stranger, friend, listener, eavesdropper):
            block.stop()
    assert f"{B} blocks" in said[0]


def test_fdd_e2e_says_which_blocks_a_base_station_left_out(peer):
    pull, push = peer.socket(zmq.PULL, "in", bind=True), peer.socket(zmq.PUSH, "in-out", bind=True)
    options = ("--blocks", "150", "--batch", "20", "--base-station", peer.at("in"), "--no-compare")
    with started("flowgraphs/fdd_e2e.py", *LINK, *options) as process:
        frames = [wire.decode(pull.recv_multipart()) for _ in range(2)]
        stale = Frame(0, {"v": V}, {"run": "another", "sent_ns": 1})
        for frame in (stale, frames[1]):
            push.send_multipart(wire.encode(Frame(frame.start, {"v": np.resize(V, (frame.count, 16, 4))}, frame.tags)))
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "left out coherence blocks 0 ... 19" in errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--input", "tcp://0.0.0.0:5555"), "would listen where other machines reach it"),
        (("--from", "srsran"), "antennas=16 need as many"),
        (("--input", "tcp://127.0.0.1:1", "--input", "tcp://127.0.0.1:2"), "--input was given 2 times"),
        (("--calibration", "calibrated-perfect"), "expects the true channel"),
        (("--from", "pdus", "--sync", "tag"), "--sync is for samples"),
        (("--input-key", "x"), "options of GNU Radio's streams"),
        (("--from", "gnuradio", "--input-socket", "push"), "socket='push' is not one of"),
        (("--sync", "preamble", "--preamble", "60", "7"), "length=60"),
        (("--from", "sigmf", "--input", "none"), "cannot read"),
        (("--users", "99"), "users=99"),
        (("--from", "nowhere"), "nowhere"),
        (("--curve", "nowhere"), "nowhere"),
    ],
)
def test_bad_options_are_named(options, words, command):
    code, output, errors = command(base_station_program.main, *LINK, *options)
    assert code in (1, 2) and words in " ".join((output + errors).split())


def test_tags_of_the_sender_reach_the_receiver(peer):
    with base_station("--input", peer.at("in")):
        push, pull = peer.socket(zmq.PUSH, "in"), peer.socket(zmq.PULL, "in-out")
        push.send_multipart(wire.encode(Frame(0, {"y": Y}, {"run": "a"})))
        assert pull.poll(20_000)
        frame = wire.decode(pull.recv_multipart())
        assert frame.tags == {"run": "a"}
