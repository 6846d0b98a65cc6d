"""Sockets to the outside listen on this machine alone, unless somebody says otherwise or keys are used."""

import subprocess
import sys
from contextlib import ExitStack, suppress

import numpy as np
import pytest
import zmq

from blocks import Flowgraph, Signal, ZmqSink, ZmqSource
from blocks.runtime.sockets import OutsideSocket, make_keys
from tests.support import ArraySource, Collect

X = np.arange(6, dtype=np.float32).reshape(6, 1)


@pytest.fixture
def keys(tmp_path):
    make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.mark.parametrize("endpoint", ["tcp://*:5999", "tcp://0.0.0.0:5999", "tcp://[::]:5999", "tcp://eth0:5999", "tcp://192.168.1.2:5999"])
def test_binding_where_others_reach_it_is_refused(endpoint):
    with pytest.raises(ValueError, match="insecure=True"):
        ZmqSink(endpoint)
    ZmqSink(endpoint, insecure=True)
    ZmqSink(endpoint, curve="keys")
    if "*" not in endpoint:
        ZmqSource(endpoint, x=Signal(1))


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:5999", "tcp://localhost:5999", "tcp://[::1]:5999", "ipc:///tmp/x"])
def test_binding_on_this_machine_is_allowed(endpoint):
    ZmqSink(endpoint)


@pytest.mark.parametrize("endpoint", ["", "5555", "http://a:1", "tcp://a", "tcp://127.0.0.1:port", "ipc://", "inproc://a"])
def test_other_endpoints_are_refused(endpoint):
    with pytest.raises(ValueError, match=r"neither tcp://HOST:PORT nor ipc://PATH"):
        ZmqSource(endpoint, x=Signal(1))


def test_holders_of_the_keys_talk(keys, tmp_path):
    endpoint = f"ipc://{tmp_path}/edge"
    first, second = Flowgraph(), Flowgraph()
    first.connect(ArraySource(x=X), ZmqSink(endpoint, curve=str(keys)))
    second.connect(ZmqSource(endpoint, curve=str(keys), x=Signal(1, dtype="float32")), Collect())
    with second.start():
        first.run(blocks=6, batch=2)
        np.testing.assert_array_equal(second.wait()["Collect"]["arrays"]["x"], X)


@pytest.mark.parametrize("which", ["no key", "a key that nobody let in", "another server's key"])
def test_without_the_right_key_nothing_gets_through(which, keys, tmp_path):
    other = tmp_path / "other"
    if which != "no key":
        make_keys(other)
    if which == "a key that nobody let in":
        (other / "server.key").write_bytes((keys / "server.key").read_bytes())
    with ExitStack() as opened:

        def open_socket(*args, **options):
            made = OutsideSocket(*args, **options)
            opened.callback(made.close)
            return made

        server = open_socket(zmq.PULL, "tcp://127.0.0.1:*", bind=True, curve=keys)
        endpoint = server.socket.last_endpoint.decode()
        intruder = open_socket(zmq.PUSH, endpoint, bind=False, curve=None if which == "no key" else other)
        friend = open_socket(zmq.PUSH, endpoint, bind=False, curve=keys)
        with suppress(zmq.Again):  # refused already
            intruder.socket.send(b"intruder")
        friend.socket.send(b"friend")
        assert server.socket.poll(20_000)
        assert server.socket.recv() == b"friend"
        assert not server.socket.poll(300)


def test_missing_keys_name_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="calibeam keygen"):
        OutsideSocket(zmq.PULL, "tcp://127.0.0.1:*", bind=True, curve=tmp_path)


def test_calibeam_keygen_makes_keys(tmp_path):
    run = subprocess.run([sys.executable, "-m", "flowgraphs.fdd_e2e", "keygen", tmp_path / "new"], capture_output=True, text=True)
    assert run.returncode == 0 and "server.key" in run.stdout, run.stderr
    OutsideSocket(zmq.PULL, "tcp://127.0.0.1:*", bind=True, curve=tmp_path / "new").close()


def test_keys_are_not_overwritten_and_secrets_are_private(keys):
    with pytest.raises(ValueError, match="holds keys already"):
        make_keys(keys)
    assert all(file.stat().st_mode & 0o077 == 0 for file in keys.glob("*.key_secret"))
