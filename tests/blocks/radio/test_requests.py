"""The asking side of REQ/REP, against peers that leave."""

import time

import pytest
import zmq

from blocks.radio.requests import Requests
from blocks.runtime.sockets import OutsideSocket


@pytest.fixture
def context():
    with zmq.Context() as made:
        made.linger = 0
        yield made


@pytest.fixture
def endpoint(tmp_path):
    return f"ipc://{tmp_path}/answers"


@pytest.fixture
def requests(endpoint):
    outside = OutsideSocket(zmq.DEALER, endpoint, bind=False, reconnect_ivl=1)
    yield Requests(outside)
    outside.close()


def next_reply(requests, within_s=10.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        parts = requests.ask(b"\xff")
        if parts is not None:
            return parts[-1].bytes
    raise AssertionError("no reply came")


def answering(context, endpoint):
    peer = context.socket(zmq.REP)
    peer.linger, peer.rcvtimeo = 1000, 10_000
    peer.bind(endpoint)
    return peer


def test_the_reply_of_a_peer_that_answers_and_leaves_is_read(requests, context, endpoint):
    for number in range(200):
        peer = answering(context, endpoint)
        while not peer.poll(5):
            assert requests.ask(b"\xff") is None
        assert peer.recv() == b"\xff"
        peer.send(b"reply %d" % number)
        left = requests._peers.left
        peer.close()
        deadline = time.monotonic() + 10
        while requests._peers.left == left and time.monotonic() < deadline:
            requests._peers.count()  # the source is busy elsewhere until the peer is gone
        assert next_reply(requests) == b"reply %d" % number


def test_a_request_is_asked_again_where_the_peer_left_without_an_answer(requests, context, endpoint):
    for number in range(3):
        deaf = answering(context, endpoint)
        while not deaf.poll(5):
            assert requests.ask(b"\xff") is None
        deaf.recv()
        deaf.close()
        peer = answering(context, endpoint)
        while not peer.poll(5):
            assert requests.ask(b"\xff") is None
        peer.recv()
        peer.send(b"reply %d" % number)
        assert next_reply(requests) == b"reply %d" % number
        peer.close()
