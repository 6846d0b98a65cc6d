"""Peers of the base station that die and return, send garbage, are slow, or are strangers."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import msgpack
import numpy as np
import pytest
import zmq

from blocks import Signal, ZmqSink, ZmqSource
from blocks.runtime import wire
from blocks.runtime.frame import Frame
from blocks.runtime.sockets import make_keys
from tests.flowgraphs.base_station_process import DEADLINE_S, LINK, B, V, Y, base_station, frames_of, heard_by, started

SENDER = """
import sys
import zmq
with zmq.Context() as context, context.socket(zmq.PUSH) as push:
    push.linger = 0
    push.connect(sys.argv[1])
    for message in sys.argv[2:]:
        push.send_multipart([bytes.fromhex(part) for part in message.split()])
    sys.stdin.read()
"""


@contextmanager
def sender(endpoint, first):
    """A process that sends Y as the blocks from `first` on, and waits to be killed."""
    frames = [Frame(first + start, {"y": Y[start : start + 4]}) for start in range(0, B, 4)]
    messages = [" ".join(bytes(part).hex() for part in wire.encode(frame)) for frame in frames]
    process = subprocess.Popen([sys.executable, "-c", SENDER, endpoint, *messages], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_sender_killed_and_back_loses_only_what_it_did_not_send(peer):
    with base_station("--input", peer.at("in")):
        pull = peer.socket(zmq.PULL, "in-out")
        for first in (0, 100):
            with sender(peer.at("in"), first):
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


def test_a_receiver_that_comes_late_gets_everything(peer):
    with base_station("--input", peer.at("in")):
        push = peer.socket(zmq.PUSH, "in")
        for start in range(200):
            push.send_multipart(wire.encode(Frame(start, {"y": Y[start % B : start % B + 1]})))
        np.testing.assert_allclose(frames_of(peer.socket(zmq.PULL, "in-out"), 200), np.tile(V, (17, 1, 1))[:200], rtol=1e-4, atol=1e-6)


def fdd(*options):
    """(exit code, what it printed) of the link."""
    process = started("fdd_e2e", *LINK, "--blocks", "150", "--batch", "20", *options, stderr=subprocess.STDOUT)
    try:
        said = process.communicate(timeout=3 * DEADLINE_S)[0]
        return process.returncode, said
    finally:
        process.kill()
        process.communicate()


def test_fdd_e2e_has_the_same_rates_through_a_base_station(peer, tmp_path):
    endpoint = peer.at("base")
    make_keys(tmp_path / "keys")
    with base_station("--input", endpoint, "--curve", tmp_path / "keys"):
        there = ("--base-station", endpoint, "--curve", tmp_path / "keys")
        for name, options in (("there", there), ("here", ()), ("there", there)):
            code, said = fdd("--json", tmp_path / f"{name}.json", *options)
            assert code == 0, said
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
        deadline = time.monotonic() + DEADLINE_S
        first = next(frame for frame in heard if frame is not None or time.monotonic() > deadline)
        np.testing.assert_allclose(first.arrays["v"], V, rtol=1e-4, atol=1e-6)
        assert [next(eavesdropper.frames(1, 1)) for _ in range(10)] == 10 * [None]
        for block in (stranger, friend, listener, eavesdropper):
            block.stop()
    assert f"{B} blocks" in said[0]


def test_fdd_e2e_says_which_blocks_a_base_station_left_out(peer):
    pull, push = peer.socket(zmq.PULL, "in", bind=True), peer.socket(zmq.PUSH, "in-out", bind=True)
    options = (*LINK, "--blocks", "150", "--batch", "20", "--base-station", peer.at("in"), "--no-compare")
    process = started("fdd_e2e", *options, stderr=subprocess.STDOUT)
    try:
        frames = [wire.decode(heard_by(pull)) for _ in range(2)]
        stale = Frame(0, {"v": V}, {"run": "another", "sent_ns": 1})
        for frame in (stale, frames[1]):
            push.send_multipart(wire.encode(Frame(frame.start, {"v": np.resize(V, (frame.count, 16, 4))}, frame.tags)))
        said = process.communicate(timeout=DEADLINE_S)[0]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 1 and "left out coherence blocks 0 ... 19" in said
