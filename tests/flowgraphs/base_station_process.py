"""The base station as a process of its own, what it should answer, and the sockets of its peers."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zmq

from blocks import AWGN, PilotSource, UplinkChannel, run_block
from blocks.runtime import wire
from flowgraphs.wiring.receiver import make_receiver
from sim.world.scenario import Scenario

S = Scenario(16, 4)
LINK = ("--antennas", "16", "--users", "4")
B = 12
DEADLINE_S = 40
_ROOT = Path(__file__).parents[2]


def started(program, *options, **more):
    """A program of flowgraphs/ as a child that Ctrl-C ends, also where this process ignores it (nohup)."""
    return subprocess.Popen(
        [sys.executable, f"flowgraphs/{program}.py", *map(str, options)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **more,
    )


@contextmanager
def base_station(*options, link=LINK, signal_number=signal.SIGINT, code=0):
    """(process, list that gets what it printed once it has ended). Raises AssertionError where it ends with another exit code."""
    process = started("base_station", *link, *options, stderr=subprocess.STDOUT)
    said: list[str] = []
    try:
        yield process, said
        if process.poll() is None:
            process.send_signal(signal_number)
        said.append(process.communicate(timeout=DEADLINE_S)[0])
        assert process.returncode == code, said
    finally:
        process.kill()
        process.communicate()


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
    """Sockets of the other side; everything it made is closed at the end."""

    def __init__(self, folder):
        self.folder, self.context, self.sockets = folder, zmq.Context(), []

    def at(self, name):
        return f"ipc://{self.folder}/{name}"

    def socket(self, kind, name, bind=False):
        socket = self.context.socket(kind)
        (socket.bind if bind else socket.connect)(self.at(name))
        self.sockets.append(socket)  # one that nobody holds is closed
        return socket


def heard_by(socket):
    """The parts of the next message. Raises AssertionError where none comes in time."""
    assert socket.poll(1000 * DEADLINE_S), "nothing came"
    return socket.recv_multipart()


def frames_of(socket, count):
    """Arrays by block index, in order, until there are `count`."""
    found = {}
    while len(found) < count:
        frame = wire.decode(heard_by(socket))
        [array] = frame.arrays.values()
        found.update(zip(frame.index, array, strict=True))
    return np.array([found[n] for n in sorted(found)])
