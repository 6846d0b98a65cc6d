import json
import textwrap
import threading
import time

import msgpack
import numpy as np
import pytest
import zmq

from blocks import (
    AWGN,
    Block,
    BlockError,
    Chain,
    FileSink,
    FileSource,
    Flowgraph,
    GenieCSI,
    LSEstimator,
    PilotSource,
    RateSink,
    Signal,
    UplinkChannel,
    ZFPrecoder,
    ZmqSink,
    ZmqSource,
)
from blocks import DownlinkChannel as Downlink
from blocks.runtime.frame import Frame
from sim.precoding import zero_forcing
from sim.world.scenario import Scenario
from tests.program import started, until
from tests.streams import ArraySource, Collect, FrameSource

S = Scenario(antennas=16, users=4)


class Held(Collect):
    """A sink that takes one frame per permit."""

    def start(self):
        super().start()
        self.permits = threading.Semaphore(0)

    def work(self, index, tags, **arrays):
        self.permits.acquire()
        super().work(index, tags, **arrays)


@pytest.mark.parametrize("transport", ["inproc", "ipc"])
def test_slow_sink_makes_the_source_wait_and_loses_nothing(transport):
    blocks, large = 200, np.zeros((200, 1 << 16), np.float64)
    fg, sink = Flowgraph(), Held()
    fg.connect(ArraySource(x=large), (Passing(), "x"), sink)
    fg.start(blocks=blocks, batch=1, transport=transport, queue=2)
    deadline, last, still = time.monotonic() + 10, -1, 0
    while still < 20 and time.monotonic() < deadline:
        made = fg.metrics()["ArraySource"].get("frames", 0)
        still = still + 1 if made == last and made else 0
        last = made
        threading.Event().wait(0.05)
    assert 0 < made < 60, "the source ran ahead of the sink"
    for _ in range(blocks):
        sink.permits.release()
    result = fg.wait()["Held"]
    assert result["starts"] == list(range(blocks))
    metrics = fg.metrics()
    assert {m["frames"] for m in metrics.values()} == {blocks}
    assert metrics["Held"]["queue"] == 0
    assert metrics["Held"]["bytes_in"] == metrics["ArraySource"]["bytes_out"] == blocks * (1 << 19)


class Passing(Block):
    inputs = {"x": Signal("N", dtype="float64")}
    outputs = {"x": Signal("N", dtype="float64")}

    def work(self, x):
        return x


class Tagger(Block):
    """Tags every frame with its first block."""

    inputs = {"x": Signal("N", dtype="float64")}
    outputs = {"x": Signal("N", dtype="float64")}

    def work(self, index, tags, x):
        tags["first"] = index.start
        tags["note"] = {"unit": "m", "list": [1, 2.5, None, b"raw"]}
        return x


@pytest.mark.parametrize("workers", ["thread", "process"])
def test_tags_follow_their_frame(workers):
    fg = Flowgraph()
    fg.connect(ArraySource(x=np.zeros((20, 2))), Tagger(), Passing(), Collect())
    tags = fg.run(blocks=20, batch=6, workers=workers)["Collect"]["tags"]
    assert [t["first"] for t in tags] == [0, 6, 12, 18]
    assert tags[0]["note"] == {"unit": "m", "list": [1, 2.5, None, b"raw"]}


def test_metrics_count_while_the_graph_runs():
    fg, sink = Flowgraph(), Held()
    fg.connect(ArraySource(x=np.zeros((50, 2))), Passing(), sink)
    with fg.start(blocks=50, batch=5):
        assert fg.metrics()["Passing"].keys() >= {"frames", "blocks", "busy_s", "wait_s", "bytes_in", "bytes_out", "queue", "report"}
        for _ in range(3):
            sink.permits.release()
        until(lambda: fg.metrics()["Held"]["frames"] >= 1 and fg.metrics()["Passing"]["blocks"] >= 5, 30)
        for _ in range(50):
            sink.permits.release()
        fg.wait()
    m = fg.metrics()["Held"]
    assert m["frames"] == 10 and m["blocks"] == 50
    assert 0 < m["latency_ms"]["p50"] <= m["latency_ms"]["p99"]
    assert m["busy_s"] + m["wait_s"] > 0


def test_a_user_swaps_in_a_precoder():
    class EqualPowerZF(Block):
        """Zero forcing with the same power for every user."""

        inputs = {"h_est": Signal("M", "K")}
        outputs = {"v": Signal("M", "K")}

        def __init__(self, power):
            self.power = power

        def work(self, h_est):
            v = zero_forcing(h_est, self.power)
            return v / np.linalg.norm(v, axis=1, keepdims=True) * np.float32(np.sqrt(self.power / v.shape[2]))

    rates = {}
    for precoder in (ZFPrecoder(S.downlink_power), EqualPowerZF(S.downlink_power)):
        fg = Flowgraph()
        fg.connect(GenieCSI(S), precoder, Downlink(S), RateSink(S.noise_power))
        rates[precoder.name] = fg.run(blocks=200)["RateSink"]["sum_rate"]
    assert rates["EqualPowerZF"] != rates["ZFPrecoder"]
    assert rates["EqualPowerZF"] > 5


LINK = """
from blocks import *
from sim.world.scenario import Scenario

def parts():
    s = Scenario(antennas=16, users=4)
    x = s.pilot_matrix()
    return ([PilotSource(x), UplinkChannel(s), AWGN(s.noise_power, s.seed), LSEstimator(x)],
            [ZFPrecoder(s.downlink_power), DownlinkChannel(s), RateSink(s.noise_power)])

if __name__ == "__main__":
    import json, sys
    endpoint = sys.argv[2]
    fg = Flowgraph()
    first, second = parts()
    if sys.argv[1] == "first":
        fg.connect(*first, ZmqSink(endpoint))
        fg.run(blocks=300, batch=7)
    else:
        fg.connect(ZmqSource(endpoint, h_est=Signal(16, 4)), *second)
        print(json.dumps(fg.run()["RateSink"]["rates"].tolist()))
"""


def test_two_programs_give_the_numbers_of_one(tmp_path):
    script, endpoint = tmp_path / "half.py", f"ipc://{tmp_path}/between"
    script.write_text(textwrap.dedent(LINK))
    with started(script, "second", endpoint) as second, started(script, "first", endpoint) as first:
        output, _ = second.communicate(timeout=60)
        assert first.wait(60) == 0
    whole = Flowgraph()
    x = S.pilot_matrix()
    whole.connect(
        PilotSource(x),
        UplinkChannel(S),
        AWGN(S.noise_power, S.seed),
        LSEstimator(x),
        ZFPrecoder(S.downlink_power),
        Downlink(S),
        RateSink(S.noise_power),
    )
    np.testing.assert_allclose(np.array(json.loads(output)), whole.run(blocks=300, batch=50)["RateSink"]["rates"], rtol=1e-6)


def test_a_foreign_process_needs_only_zeromq_and_msgpack(context):
    """Speaks the documented bytes by hand: estimates in, precoders out."""
    push = context.socket(zmq.PUSH)
    port = push.bind_to_random_port("tcp://127.0.0.1")
    out = context.socket(zmq.PULL)
    other = out.bind_to_random_port("tcp://127.0.0.1")
    h = (np.random.default_rng(1).standard_normal((6, 16, 4)) + 0j).astype("<c8")
    fg = Flowgraph()
    fg.connect(ZmqSource(f"tcp://127.0.0.1:{port}", h_est=Signal(16, 4)), ZFPrecoder(2.0), ZmqSink(f"tcp://127.0.0.1:{other}", bind=False))
    fg.start()
    for start in (0, 3):
        header = {"v": 1, "kind": "data", "start": start, "count": 3, "arrays": [["h_est", "<c8", [3, 16, 4]]], "tags": {"cell": 7}}
        push.send_multipart([msgpack.packb(header), h[start : start + 3].tobytes()])
    push.send(msgpack.packb({"v": 1, "kind": "end"}))
    found = []
    while True:
        header, *arrays = out.recv_multipart()
        header = msgpack.unpackb(header)
        if header["kind"] == "end":
            break
        assert header["tags"] == {"cell": 7}
        ((name, dtype, shape),) = header["arrays"]
        assert (name, dtype) == ("v", "<c8")
        found.append(np.frombuffer(arrays[0], dtype).reshape(shape))
    fg.wait()
    np.testing.assert_allclose(np.concatenate(found), zero_forcing(h, 2.0), rtol=1e-5)


def test_number_of_blocks_cuts_an_outside_stream(tmp_path):
    first, second = Flowgraph(), Flowgraph()
    endpoint = f"ipc://{tmp_path}/cut"
    first.connect(ArraySource(x=np.arange(40.0).reshape(20, 2)), ZmqSink(endpoint))
    second.connect(ZmqSource(endpoint, x=Signal(2, dtype="float64")), Collect())
    with first.start(blocks=20, batch=4):
        found = second.run(blocks=10)["Collect"]["arrays"]["x"]
    np.testing.assert_array_equal(found, np.arange(20.0).reshape(10, 2))


def test_silent_receiver_hears_the_channel_alone():
    fg = Flowgraph()
    fg.connect(PilotSource(S.pilot_matrix()), UplinkChannel(S), AWGN(0.0), Collect())
    y = fg.run(blocks=3)["Collect"]["arrays"]["y"]
    np.testing.assert_array_equal(y, S.uplink(range(3)) @ S.pilot_matrix())


def test_inputs_that_end_at_different_blocks_are_an_error(tmp_path):
    short, long = Flowgraph(), Flowgraph()
    for fg, blocks, name in ((short, 5, "short"), (long, 9, "long")):
        fg.connect(ArraySource(**{name: np.ones((blocks, 2))}), FileSink(tmp_path / name))
        fg.run(blocks=blocks, batch=3)
    fg, both = Flowgraph(), Collect()
    fg.connect((FileSource(tmp_path / "short"), "short"), (both, "short"))
    fg.connect((FileSource(tmp_path / "long"), "long"), (both, "long"))
    with pytest.raises(BlockError, match="ended, edge FileSource_2.long -> Collect.long still carries block 5"):
        fg.run()


def test_a_long_chain_runs_whatever_its_name_grows_to():
    fg = Flowgraph()
    fg.connect(Chain(ArraySource(x=np.ones((10, 2))), *(Passing() for _ in range(60))), Collect())
    assert len(fg.nodes[0].name) > 255
    for workers in ("thread", "process"):
        np.testing.assert_array_equal(fg.run(blocks=10, workers=workers)["Collect"]["arrays"]["x"], np.ones((10, 2)))


class Gathering(Block):
    """Sums every frame that it gets, slowly at first."""

    inputs = {"x": Signal("N", dtype="float32")}
    gathers = 8

    def start(self):
        self.seen = []

    def work(self, index, tags, x):
        if not self.seen:
            time.sleep(0.3)
        self.seen.append((index.start, len(index), x[:, 0].tolist(), tags))

    def result(self):
        return {"seen": [list(each) for each in self.seen]}


def test_frames_that_wait_and_continue_each_other_come_as_one():
    x = np.arange(40, dtype=np.float32)[:, None]
    frames = [Frame(n, {"x": x[n : n + 1]}, {"noted": [n], "run": "a" if n < 20 else "b"}) for n in range(40) if n != 13]
    fg = Flowgraph()
    fg.connect(FrameSource(*frames), Gathering())
    seen = fg.run(queue=50)["Gathering"]["seen"]
    assert [value for _, _, values, _ in seen for value in values] == [n for n in range(40) if n != 13]
    assert len(seen) < 15 and max(count for _, count, _, _ in seen) == 8
    for start, count, values, tags in seen:
        assert values == tags["noted"] == list(range(start, start + count))
        assert tags["run"] == ("a" if start < 20 else "b") and not start < 20 < start + count


def test_a_run_can_begin_at_a_later_block():
    s = Scenario(antennas=8, users=2)

    def rates(**run):
        fg = Flowgraph()
        fg.connect(Chain(GenieCSI(s), ZFPrecoder(1.0)), Downlink(s), RateSink(s.noise_power))
        return fg.run(**run)["RateSink"]["rates"]

    np.testing.assert_array_equal(rates(blocks=20, first=13, batch=7), rates(blocks=33)[13:])
    with pytest.raises(ValueError, match="first=-1 has to be at least 0"):
        rates(blocks=5, first=-1)
