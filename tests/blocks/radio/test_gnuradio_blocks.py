"""The GNU Radio blocks on GNU Radio's own bytes, on garbage, and with peers that die, lag or come late."""

import logging
import struct
import time

import numpy as np
import pytest
import zmq

from blocks import (
    BlockError,
    Flowgraph,
    GNURadioMessageSink,
    GNURadioMessageSource,
    GNURadioSink,
    GNURadioSource,
    Signal,
    ZmqSource,
)
from blocks.radio import pmt
from blocks.radio.gnuradio_message_sink import refuse_deadly
from blocks.radio.pmt import Pair, UInt64, Vector
from blocks.radio.stream_tags import StreamTag, add_stream_tags, encode_header, stream_tags
from blocks.runtime.frame import Frame
from tests.blocks.radio.captures import CAPTURES, FOLDER, STREAMS, messages, value_of
from tests.program import until
from tests.streams import ArraySource, Collect, FrameSource

X = (np.arange(40) + 1j * np.arange(40, 80)).astype(np.complex64)


@pytest.fixture
def endpoint(tmp_path):
    return f"ipc://{tmp_path}/peer"


def receive(source, blocks, feed):
    """What a source gives while `feed` talks to it."""
    fg = Flowgraph()
    fg.connect(source, Collect())
    with fg.start(blocks=blocks):
        feed()
        assert fg.ended(20), fg.metrics()
        return fg.wait()["Collect"], fg.metrics()[source.name]["report"]


def expected_tags(capture):
    return [StreamTag(t["offset"], *map(value_of, (t["key"], t["value"], t["srcid"]))) for t in capture["tags_sent"]]


def all_tags(collected):
    return [tag for tags in collected["tags"] for tag in stream_tags(tags)]


def same_tags(found, expected):
    return [encode_header(0, [tag]) for tag in found] == [encode_header(0, [tag]) for tag in expected]


@pytest.mark.parametrize("name", STREAMS)
def test_captured_streams_are_received(name, endpoint, context):
    capture, data = CAPTURES[name], np.load(FOLDER / CAPTURES[name]["expected_data"])
    kind = {"PUSH->PULL": "pull", "PUB->SUB": "sub", "REP<-REQ": "req"}[capture["socket"]]
    peer = context.socket({"pull": zmq.PUSH, "sub": zmq.XPUB, "req": zmq.REP}[kind])
    peer.bind(endpoint)

    def feed():
        if kind == "sub":
            assert peer.recv() == b"\x01cb0"
        for parts in messages(name):
            if kind == "req":
                assert peer.recv() == bytes.fromhex(capture["request_hex"])
            peer.send_multipart(parts)

    source = GNURadioSource(endpoint, vlen=capture["vlen"], socket=kind, tags=capture["pass_tags"], key=capture["key"] or "", ask_for=10)
    found, report = receive(source, capture["nitems"], feed)
    np.testing.assert_array_equal(found["arrays"]["samples"], data.reshape(found["arrays"]["samples"].shape))
    assert same_tags(all_tags(found), expected_tags(capture))
    assert report == {"bad_messages": 0}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_leave_with_gnu_radios_bytes(name, endpoint, context):
    capture, data = CAPTURES[name], np.load(FOLDER / CAPTURES[name]["expected_data"])
    kind = {"PUSH->PULL": "push", "PUB->SUB": "pub", "REP<-REQ": "rep"}[capture["socket"]]
    peer = context.socket({"push": zmq.PULL, "pub": zmq.SUB, "rep": zmq.REQ}[kind])
    if kind == "pub":
        peer.subscribe(b"")
    peer.connect(endpoint)
    frame = Frame(0, {"samples": data.reshape((-1, capture["vlen"]) if capture["vlen"] > 1 else -1)})
    add_stream_tags(frame.tags, expected_tags(capture))
    block = GNURadioSink(endpoint, vlen=capture["vlen"], socket=kind, tags=capture["pass_tags"], key=capture["key"] or "")
    block.start()
    if kind == "pub":
        time.sleep(0.2)  # a PUB socket tells nobody that a subscription arrived
    if kind == "rep":
        fg = Flowgraph()
        fg.connect(FrameSource(frame), block)
        with fg.start():
            for parts in messages(name):
                peer.send(bytes.fromhex(capture["request_hex"]))
                assert peer.recv_multipart() == parts
        return
    block.work(frame.index, frame.tags, frame.arrays["samples"])
    assert [peer.recv_multipart()] == messages(name)
    block.stop()


def test_captured_messages_pass_through(endpoint, context):
    peer, sent = context.socket(zmq.PUSH), [content for [content] in messages("pub_msg_sink")]
    peer.bind(endpoint)
    source = GNURadioMessageSource(endpoint)
    source.start()
    for content in sent:
        peer.send(content)
    got = [frame.arrays["message"][0].tobytes() for frame in source.frames(len(sent), 1) if frame is not None]
    source.stop()
    assert got == sent


def test_pdus_become_arrays_and_leave_as_pdus(endpoint, tmp_path):
    h = X[:24].reshape(3, 4, 2)
    first, second = Flowgraph(), Flowgraph()
    first.connect(ArraySource(h_est=h), GNURadioMessageSink(endpoint))
    second.connect(GNURadioMessageSource(endpoint, h_est=Signal(4, 2)), Collect())
    with second.start(blocks=3):
        first.run(blocks=3)
        found = second.wait()["Collect"]
    np.testing.assert_array_equal(found["arrays"]["h_est"], h)
    meta = [pmt.decode(tags["pdu"]) for tags in found["tags"]]
    assert [m["block"] for m in meta] == [0, 1, 2] and meta[0]["name"] == "h_est" and meta[0]["shape"] == (4, 2)


def test_pdus_of_another_size_are_counted(endpoint, context):
    peer = context.socket(zmq.PUSH)
    peer.bind(endpoint)

    def feed():
        for value in (Pair(None, X[:3]), Pair(None, X[:4].real.copy()), Pair(3, X[:4]), [1], Pair(None, X[:0]), Pair({"user": 1}, X[:8])):
            peer.send(pmt.encode(value))

    found, report = receive(GNURadioMessageSource(endpoint, h=Signal(4)), 2, feed)
    np.testing.assert_array_equal(found["arrays"]["h"], X[:8].reshape(2, 4))
    assert report == {"bad_messages": 5}


@pytest.mark.parametrize("value", [(), [1, ()], {"a": ((),)}, Vector([Pair(1, ())])], ids=str)
def test_what_aborts_gnu_radio_is_not_sent(value, endpoint):
    fg = Flowgraph()
    fg.connect(ArraySource(message=np.frombuffer(pmt.encode(value), np.uint8)[None]), GNURadioMessageSink(endpoint))
    with pytest.raises(BlockError, match="empty tuple"):
        fg.run(blocks=1)


def test_what_is_harmless_is_sent():
    refuse_deadly((1, [None, {}], Vector(), Pair(UInt64(1), "a")))


@pytest.mark.parametrize("tags", [False, True])
def test_garbage_is_counted_and_good_messages_still_arrive(tags, endpoint, context, caplog):
    peer = context.socket(zmq.PUSH)
    peer.bind(endpoint)
    rng = np.random.default_rng(0)
    header = encode_header(0, [StreamTag(0, "key", (UInt64(1), 0.5))])
    good = header + X.tobytes() if tags else X.tobytes()
    bad = [rng.bytes(8 * n + 3) for n in range(40)] + [struct.pack("<HBQQ", 0x5FF0, 1, 2**63, 0) + bytes(8)] * tags
    bad += [header[:end] for end in range(1, len(header)) if end % 8]
    bad += [b"\xf0\x5e" + good[2:-1], struct.pack("<HBQQ", 0x5FF0, 1, 0, 2**64 - 1)]
    with caplog.at_level(logging.WARNING, "calibeam"):

        def feed():
            for content in bad:
                peer.send(content)
            peer.send_multipart([b"", good])
            peer.send(good)

        found, report = receive(GNURadioSource(endpoint, tags=tags), len(X), feed)
    np.testing.assert_array_equal(found["arrays"]["samples"], X)
    assert report == {"bad_messages": len(bad) + 1}
    assert 1 <= len(caplog.records) <= 20 and endpoint in caplog.text


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"dtype": "float64"}, "float64"),
        ({"vlen": 0}, "vlen=0"),
        ({"socket": "push"}, "socket='push'"),
        ({"key": "a"}, "socket='sub'"),
        ({"ask_for": 0}, "ask_for=0"),
        ({"bind": True, "endpoint": "tcp://*:5555"}, "insecure"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GNURadioSource(**{"endpoint": "tcp://127.0.0.1:5555", **arguments})


def send_forever(endpoint, kind, first, count):
    """A peer process that sends numbered items from `first` on, one hundred at a time."""
    socket = zmq.Context().socket(zmq.PUSH if kind == "pull" else zmq.REP)
    socket.bind(endpoint)
    for start in range(first, first + count, 100):
        if kind == "req":
            socket.recv()
        socket.send(np.arange(start, start + 100, dtype="<i4").tobytes())
    time.sleep(60)


@pytest.mark.parametrize("kind", ["pull", "req"])
def test_a_peer_that_is_killed_and_returns_is_heard_again(kind, endpoint, spawned):
    fg = Flowgraph()
    fg.connect(GNURadioSource(endpoint, "int32", socket=kind), Collect())
    with fg.start(blocks=2000):
        time.sleep(0.2)  # the peer binds late
        peer = spawned(send_forever, endpoint, kind, 0, 1000)
        until(lambda: fg.metrics()["GNURadioSource"]["blocks"] >= 1000, 30)
        peer.kill()
        peer.join()
        spawned(send_forever, endpoint, kind, 1000, 1000)
        assert fg.ended(30), fg.metrics()
        found = fg.wait()["Collect"]["arrays"]["samples"]
    np.testing.assert_array_equal(found, np.arange(2000))


@pytest.mark.parametrize("kind", ["push", "rep"])
def test_a_slow_or_late_receiver_loses_nothing(kind, endpoint, context):
    fg = Flowgraph()
    fg.connect(ArraySource(samples=np.arange(5000, dtype=np.int32)), GNURadioSink(endpoint, "int32", socket=kind))
    with fg.start(blocks=5000, batch=100):
        time.sleep(0.2)
        peer, got = context.socket(zmq.PULL if kind == "push" else zmq.REQ), []
        peer.connect(endpoint)
        while sum(map(len, got)) < 5000:
            if kind == "rep":
                peer.send(struct.pack("<I", 37))
            assert peer.poll(5000)
            got.append(np.frombuffer(peer.recv(), "<i4"))
            time.sleep(0.001)
        fg.wait()
    np.testing.assert_array_equal(np.concatenate(got), np.arange(5000))


def test_a_dead_requester_does_not_stop_a_sink(endpoint, context):
    fg = Flowgraph()
    fg.connect(ArraySource(samples=np.arange(500, dtype=np.int32)), GNURadioSink(endpoint, "int32", socket="rep"))
    with fg.start(blocks=500, batch=500):
        for content in (b"", b"\xff", b"too long a request"):
            peer = context.socket(zmq.REQ)
            peer.connect(endpoint)
            peer.send(content)
            assert peer.recv() == b""
            peer.close(0)
        peer = context.socket(zmq.REQ)
        peer.connect(endpoint)
        peer.send(struct.pack("<I", 2**32 - 1))
        np.testing.assert_array_equal(np.frombuffer(peer.recv(), "<i4"), np.arange(500))
        fg.wait()


def test_a_flowgraph_that_waits_for_a_peer_stops(endpoint):
    for block in (GNURadioSource(endpoint + "1"), GNURadioSource(endpoint + "2", socket="req"), ZmqSource(endpoint + "3", x=Signal(1))):
        fg = Flowgraph()
        fg.connect(block, Collect())
        with fg.start():
            assert not fg.ended(0.1)
    fg = Flowgraph()
    fg.connect(ArraySource(samples=X), GNURadioSink(endpoint + "4"))
    with fg.start(blocks=40):
        assert not fg.ended(0.1)
