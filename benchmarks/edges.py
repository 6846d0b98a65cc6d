"""Throughput of GNURadioSource and GNURadioSink: against plain pyzmq with the same messages, and GNU Radio itself where it is installed.

    python benchmarks/edges.py --kib 64

Sender and receiver are two processes. Every pair of figures comes from the same run, in turn; the median of the ratios counts.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import typer
import zmq

from blocks import Block, Chain, Flowgraph, GNURadioSink, GNURadioSource, Signal
from blocks.runtime.frame import Frame

_GNU_RADIO = "/usr/bin/python3"
_PROGRAM = """
import sys, time
from gnuradio import blocks, gr, zeromq
role, endpoint, vlen, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
top = gr.top_block()
if role == "send":
    top.connect(blocks.null_source(8 * vlen), blocks.head(8 * vlen, count), zeromq.push_sink(8, vlen, endpoint, 100, False, -1))
    top.start(); sys.stdin.read()
else:
    probe, source = blocks.probe_rate(8 * vlen, 100), zeromq.pull_source(8, vlen, endpoint, 100, False, -1)
    sink, head = blocks.null_sink(8 * vlen), blocks.head(8 * vlen, count)
    top.connect(source, head, sink)
    top.start()
    while head.nitems_written(0) == 0: time.sleep(0.0005)
    began = time.monotonic()
    while head.nitems_written(0) < count: time.sleep(0.0005)
    print(8 * vlen * count / (time.monotonic() - began) / 1e6, flush=True)
"""


class Items(Block):
    """A source of `count` messages of the same items."""

    outputs = {"samples": Signal(dtype="complex64")}

    def __init__(self, size: int, count: int):
        self.size, self.count = size, count

    def frames(self, blocks, batch):
        samples = np.ones(self.size // 8, np.complex64)
        for number in range(self.count):
            yield Frame(number * len(samples), {"samples": samples})


class Clock(Block):
    """Measures bytes over the time from the first frame to the last."""

    inputs = {"samples": Signal(dtype="complex64")}

    def start(self):
        self._bytes, self._began = 0, 0.0

    def work(self, samples):
        self._last = time.monotonic()
        if not self._began:
            self._began = self._last
        else:
            self._bytes += samples.nbytes

    def result(self):
        return {"mb_per_s": self._bytes / (self._last - self._began) / 1e6}


def send_plain(endpoint, size, count):
    """Plain pyzmq, in a process of its own."""
    message = np.ones(size // 8, np.complex64)
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.bind(endpoint)
        for _ in range(count):
            push.send(message, copy=False)
        push.close(linger=30_000)


def receive_plain(endpoint, size, count, answer):
    """Plain pyzmq; what it took goes to the queue."""
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.connect(endpoint)
        pull.recv(copy=False)
        began, received = time.monotonic(), 0
        while received < (count - 1) * size:
            received += len(np.frombuffer(pull.recv(copy=False).buffer, np.complex64)) * 8
        answer.put(received / (time.monotonic() - began) / 1e6)


def send_block(endpoint, size, count):
    """GNURadioSink, in the worker of what feeds it."""
    fg = Flowgraph()
    fg.connect(Chain(Items(size, count), GNURadioSink(endpoint)))
    fg.run()


def send_block_over_an_edge(endpoint, size, count):
    """GNURadioSink, one edge behind what feeds it."""
    fg = Flowgraph()
    fg.connect(Items(size, count), GNURadioSink(endpoint))
    fg.run()


def receive_block(endpoint, size, count, answer):
    """GNURadioSource, in the worker of what it feeds."""
    fg = Flowgraph()
    fg.connect(Chain(GNURadioSource(endpoint), Clock()))
    answer.put(fg.run(blocks=count * size // 8)["Clock"]["mb_per_s"])


def receive_block_over_an_edge(endpoint, size, count, answer):
    """GNURadioSource, one edge before what it feeds."""
    fg = Flowgraph()
    fg.connect(GNURadioSource(endpoint), Clock())
    answer.put(fg.run(blocks=count * size // 8)["Clock"]["mb_per_s"])


def exchange(send, receive, endpoint, size, count) -> float:
    """MB/s from `send` in one process to `receive` in another."""
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    peers = [spawn.Process(target=receive, args=(endpoint, size, count, answer)), spawn.Process(target=send, args=(endpoint, size, count))]
    for peer in peers:
        peer.start()
    rate = answer.get(timeout=120)
    for peer in peers:
        peer.join(60)
    return rate


def gnu_radio(endpoint, size, count) -> float:
    """MB/s of GNU Radio's own push sink to its own pull source, items of the message's size."""
    arguments = [endpoint, str(size // 8), str(count)]
    sender = subprocess.Popen([_GNU_RADIO, "-c", _PROGRAM, "send", *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        done = subprocess.run([_GNU_RADIO, "-c", _PROGRAM, "receive", *arguments], capture_output=True, text=True, timeout=120)
        return float(done.stdout.split()[-1])
    finally:
        sender.kill()
        sender.wait()


def free_port() -> str:
    """A tcp endpoint that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


PAIRS = {
    "GNURadioSource": (send_plain, receive_block),
    "GNURadioSink": (send_block, receive_plain),
    "Sink to Source": (send_block, receive_block),
    "GNURadioSource, an edge behind it": (send_plain, receive_block_over_an_edge),
    "GNURadioSink, an edge before it": (send_block_over_an_edge, receive_plain),
}


def main(kib: int = 64, megabytes: int = 2000, rounds: int = 3):
    """Print one table per transport."""
    size, count = kib * 1024, megabytes * 1_000_000 // (kib * 1024)
    found = Path(_GNU_RADIO).exists() and subprocess.run([_GNU_RADIO, "-c", "import gnuradio.zeromq"], capture_output=True)
    runs = {"plain pyzmq": (send_plain, receive_plain), **PAIRS}
    measures = {name: partial(exchange, *pair) for name, pair in runs.items()}
    if found and found.returncode == 0:
        measures["GNU Radio push to pull"] = gnu_radio
    for transport in ("ipc", "tcp"):
        rates: dict[str, list[float]] = {name: [] for name in measures}
        for _ in range(rounds):
            for name, measure in measures.items():
                with tempfile.TemporaryDirectory() as folder:
                    rates[name].append(measure(f"ipc://{folder}/x" if transport == "ipc" else free_port(), size, count))
        print(f"{transport}, messages of {kib} KiB, {megabytes / 1000:g} GB each, median of {rounds}", flush=True)
        plain = rates["plain pyzmq"]
        for name, found in rates.items():
            ratio = statistics.median(a / b for a, b in zip(found, plain, strict=True))
            print(f"  {name:36s} {statistics.median(found):7,.0f} MB/s   {ratio:5.2f} x plain pyzmq", flush=True)


if __name__ == "__main__":
    typer.run(main)
