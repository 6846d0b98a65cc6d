"""Live, both ways, with GNU Radio itself: every sample, tag and message equal. `make test-interop` runs these."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from blocks import Flowgraph, GNURadioMessageSink, GNURadioMessageSource, GNURadioSink, GNURadioSource
from blocks.radio import pmt
from blocks.radio.pmt import UInt64
from blocks.radio.stream_tags import StreamTag, add_stream_tags, stream_tags
from blocks.runtime.frame import Frame
from tests.blocks.radio.captures import CORPUS, value_of
from tests.streams import ArraySource, Collect, FrameSource

PYTHON = next(
    (
        python
        for python in ("/usr/bin/python3", shutil.which("python3") or "")
        if python and subprocess.run([python, "-c", "import gnuradio.zeromq"], capture_output=True, timeout=60).returncode == 0
    ),
    None,
)
pytestmark = [pytest.mark.gnuradio, pytest.mark.skipif(PYTHON is None, reason="GNU Radio is not installed; make test-interop installs it")]

SINK_OF = {"pull": "push", "sub": "pub", "req": "rep"}
SUBSCRIBING_S = 0.7
COUNT = {1: 20_000, 512: 200}
EVERY = {1: 3_000, 512: 30}
VALUES = [pmt.encode(value_of(entry["pmt"])) for entry in CORPUS.values()]


class LateFrames(FrameSource):
    """Sends given frames once a subscriber, if there is one, has had time to arrive: a PUB socket tells nobody."""

    def frames(self, blocks, batch):
        time.sleep(SUBSCRIBING_S)
        yield from self.given


@pytest.fixture
def peer(tmp_path):
    started = []

    def start(**what):
        command = [PYTHON, Path(__file__).with_name("gnuradio_peer.py"), json.dumps(what)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def items(count, vlen):
    data = (np.arange(count * vlen) % 65536).astype(np.complex64) * np.complex64(1 - 1j)
    return data if vlen == 1 else data.reshape(-1, vlen)


def tags_of(count, every):
    return [StreamTag(n, f"tag{n}", (UInt64(n), n / 4)) for n in range(0, count, every)]


def as_bytes(tags):
    return sorted([tag.offset, *(pmt.encode(value).hex() for value in (tag.key, tag.value, tag.source))] for tag in tags)


@pytest.mark.parametrize("vlen", COUNT)
@pytest.mark.parametrize("tags", [False, True], ids=["plain", "tags"])
@pytest.mark.parametrize("socket", SINK_OF)
def test_gnu_radio_is_heard(socket, tags, vlen, peer, tmp_path):
    endpoint, key = f"ipc://{tmp_path}/gr", "cb0/" if socket == "sub" else ""
    fg = Flowgraph()
    fg.connect(GNURadioSource(endpoint, vlen=vlen, socket=socket, tags=tags, key=key), Collect())
    with fg.start(blocks=COUNT[vlen]):
        peer(job="send", socket=SINK_OF[socket], endpoint=endpoint, vlen=vlen, tags=tags, key=key, count=COUNT[vlen], tag_every=EVERY[vlen])
        assert fg.ended(30), fg.metrics()
        found = fg.wait()["Collect"]
    np.testing.assert_array_equal(found["arrays"]["samples"], items(COUNT[vlen], vlen))
    heard = [tag for each in found["tags"] for tag in stream_tags(each)]
    assert as_bytes(heard) == (as_bytes(tags_of(COUNT[vlen], EVERY[vlen])) if tags else [])
    assert fg.metrics()["GNURadioSource"]["report"] == {"bad_messages": 0}


@pytest.mark.parametrize("vlen", COUNT)
@pytest.mark.parametrize("tags", [False, True], ids=["plain", "tags"])
@pytest.mark.parametrize("socket", SINK_OF)
def test_gnu_radio_hears(socket, tags, vlen, peer, tmp_path):
    endpoint, key, file = f"ipc://{tmp_path}/gr", "cb0/" if socket == "sub" else "", tmp_path / "got.npy"
    count, data, step = COUNT[vlen], items(COUNT[vlen], vlen), COUNT[vlen] // 10
    frames = []
    for start in range(0, count, step):
        frames.append(Frame(start, {"samples": data[start : start + step]}))
        add_stream_tags(frames[-1].tags, [tag for tag in tags_of(count, EVERY[vlen]) if tag.offset in frames[-1].index])
    receiver = peer(job="receive", socket=socket, endpoint=endpoint, vlen=vlen, tags=tags, key=key, count=count, file=str(file))
    assert receiver.stdout.readline() == "ready\n"
    fg = Flowgraph()
    sink = GNURadioSink(endpoint, vlen=vlen, socket=SINK_OF[socket], tags=tags, key=key)
    fg.connect(LateFrames(*frames), sink)
    with fg.start():
        heard, _ = receiver.communicate(timeout=30)
    np.testing.assert_array_equal(np.load(file), data.ravel())
    assert sorted(json.loads(heard)) == (as_bytes(tags_of(count, EVERY[vlen])) if tags else [])


class Messages(Collect):
    """Keeps messages, whose lengths differ."""

    def result(self):
        return {"messages": [each.tobytes() for each in self.kept["message"]]}


@pytest.mark.parametrize("socket", SINK_OF)
def test_messages_come_from_gnu_radio(socket, peer, tmp_path):
    endpoint = f"ipc://{tmp_path}/gr"
    fg = Flowgraph()
    fg.connect(GNURadioMessageSource(endpoint, socket=socket), Messages())
    with fg.start(blocks=len(VALUES)):
        peer(job="send_messages", socket=SINK_OF[socket], endpoint=endpoint, messages=[value.hex() for value in VALUES])
        assert fg.ended(20), fg.metrics()
        assert fg.wait()["Messages"]["messages"] == VALUES


@pytest.mark.parametrize("socket", SINK_OF)
def test_gnu_radio_takes_every_message(socket, peer, tmp_path):
    endpoint = f"ipc://{tmp_path}/gr"
    receiver = peer(job="receive_messages", socket=socket, endpoint=endpoint, count=len(VALUES))
    assert receiver.stdout.readline() == "ready\n"
    sink = GNURadioMessageSink(endpoint, socket=SINK_OF[socket])
    sink.start()
    if socket == "sub":
        time.sleep(SUBSCRIBING_S)
    for number, value in enumerate(VALUES):
        sink.work(range(number, number + 1), {}, message=np.frombuffer(value, np.uint8)[None])
    heard, _ = receiver.communicate(timeout=20)
    sink.stop()
    assert json.loads(heard) == [value.hex() for value in VALUES]


def test_precoders_reach_gnu_radio_as_pdus(peer, tmp_path):
    endpoint, v = f"ipc://{tmp_path}/gr", items(24, 1).reshape(3, 4, 2)
    receiver = peer(job="receive_messages", socket="pull", endpoint=endpoint, count=3)
    fg = Flowgraph()
    fg.connect(ArraySource(v=v), GNURadioMessageSink(endpoint))
    fg.run(blocks=3)
    heard, _ = receiver.communicate(timeout=20)
    pdus = [pmt.decode(bytes.fromhex(content)) for content in json.loads(heard.splitlines()[1])]
    np.testing.assert_array_equal([pdu.cdr.reshape(4, 2) for pdu in pdus], v)
    assert pdus[2].car["block"] == 2
