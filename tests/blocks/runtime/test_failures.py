"""Whatever breaks, run() says so within seconds, names it, and leaves no process and no socket file behind."""

import glob
import multiprocessing
import os
import signal
import socket
import tempfile
import textwrap
import threading
import time

import numpy as np
import psutil
import pytest
import zmq

from blocks import BlockError, Chain, Flowgraph, Signal, ZmqSink, ZmqSource
from blocks.runtime import wire
from blocks.runtime.frame import Frame
from tests.blocks.runtime.faulty import Endless, Faulty, Misshapen, Slow, Suicidal
from tests.program import started, until
from tests.streams import ArraySource, Collect

X = np.arange(200, dtype=np.float32).reshape(100, 2)


def graph(block):
    fg = Flowgraph()
    fg.connect(ArraySource(x=X), block, Collect())
    return fg


def leftovers():
    threads = [t.name for t in threading.enumerate() if t.name.startswith("calibeam")]
    files = glob.glob(os.path.join(tempfile.gettempdir(), f"calibeam-{os.getpid()}-*"))
    return threads, multiprocessing.active_children(), files


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    threads, children, files = leftovers()
    deadline = time.monotonic() + 2
    while threads and time.monotonic() < deadline:
        threads = leftovers()[0]
    assert (threads, children, files) == ([], [], [])


def fails(fg, **arguments):
    began = time.monotonic()
    with pytest.raises(BlockError) as caught:
        fg.run(blocks=100, batch=10, **arguments)
    assert time.monotonic() - began < 5
    return caught.value


def test_failure_in_init_is_raised_where_the_block_is_made():
    with pytest.raises(RuntimeError, match="broken in init"):
        Faulty("init")


@pytest.mark.parametrize("workers", ["thread", "process"])
@pytest.mark.parametrize("phase", ["start", "work", "end", "stop"])
def test_failing_block_is_named(phase, workers):
    error = fails(graph(Faulty(phase)), workers=workers)
    assert (error.block, error.phase) == ("Faulty", phase)
    assert "test_failures.py:" in error.where
    assert f"RuntimeError: broken in {phase}" in str(error)
    assert "faulty.py" in error.details and "Traceback" in error.details
    assert error.index == ((30, 39) if phase == "work" else error.index)


def test_failing_source_is_named_with_its_blocks():
    class Broken(Endless):
        def work(self, index):
            if index.start >= 20:
                raise RuntimeError("no more")
            return super().work(index)

    fg = Flowgraph()
    fg.connect(Broken(), Collect())
    error = fails(fg)
    assert (error.block, error.phase, error.index) == ("Broken", "work", (20, 29))


def test_failing_block_inside_a_chain_is_named():
    fg = Flowgraph()
    fg.connect(ArraySource(x=X), Chain(Faulty("none"), Faulty("work")), Collect())
    assert fails(fg).block == "Faulty_2"


def test_every_block_of_a_chain_is_stopped_even_if_one_fails_to():
    stopped = []

    class Noting(Faulty):
        def stop(self):
            stopped.append(self.name)

    fg = Flowgraph()
    fg.connect(ArraySource(x=X), Chain(Noting("none"), Faulty("stop"), Noting("none")), Collect())
    error = fails(fg)
    assert (error.block, error.phase) == ("Faulty", "stop")
    assert stopped == ["Noting", "Noting_2"]


@pytest.mark.parametrize("change", ["rank", "count", "dtype", "size", "none", "name"])
def test_output_that_differs_from_its_declaration_is_named(change):
    error = fails(graph(Misshapen(change)))
    assert (error.block, error.phase) == ("Misshapen", "work")
    assert "x" in error.reason


def test_killed_worker_process_is_named():
    error = fails(graph(Suicidal()), workers="process")
    assert error.block == "Suicidal"
    assert "SIGKILL" in str(error)


def test_process_killed_from_outside_is_named():
    fg = graph(Slow())
    fg.start(blocks=100, batch=10, workers="process")
    victim = next(p for p in multiprocessing.active_children() if "Slow" in p.name)
    began = time.monotonic()
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(BlockError, match=r"Slow .*SIGKILL"):
        fg.wait()
    assert time.monotonic() - began < 5


def test_malformed_message_on_an_edge_is_named(context):
    fg = Flowgraph()
    fg.connect(Endless(), Faulty("none"), Collect())
    fg.start(batch=10, transport="tcp")
    until(lambda: fg.metrics()["Endless"].get("frames"), 30)
    endpoint = next(iter(fg._run.members["Faulty"].endpoints.values()))
    intruder = context.socket(zmq.PUSH)
    intruder.connect(endpoint)
    intruder.send_multipart([b"\xc1 nonsense", b"more"])
    with pytest.raises(BlockError, match=r"malformed message on edge Endless\.x -> Faulty\.x"):
        fg.wait()


@pytest.mark.parametrize(
    "parts",
    [
        [b"junk"],
        [b"\x80"],
        wire.encode(Frame(0, {"other": X})),
        wire.encode(Frame(0, {"x": X.astype("float64")})),
        wire.encode(Frame(0, {"x": X[:, :1]})),
        wire.encode_error("the amplifier is on fire"),
        [wire.encode(Frame(0, {"x": X}))[0]],
    ],
    ids=["junk", "empty map", "other array", "other dtype", "other shape", "error", "missing part"],
)
def test_malformed_message_from_outside_is_named(parts, tmp_path, context):
    fg = Flowgraph()
    endpoint = f"ipc://{tmp_path}/in"
    fg.connect(ZmqSource(endpoint, x=Signal(2, dtype="float32")), Collect())
    sender = context.socket(zmq.PUSH)
    sender.bind(endpoint)
    fg.start()
    sender.send_multipart(parts)
    with pytest.raises(BlockError) as caught:
        fg.wait()
    assert caught.value.block == "ZmqSource"
    if parts == wire.encode_error("the amplifier is on fire"):
        assert "the amplifier is on fire" in str(caught.value)


@pytest.mark.parametrize("workers", ["thread", "process"])
def test_stop_ends_an_endless_stream(workers):
    fg = Flowgraph()
    fg.connect(Endless(), Collect())
    with fg.start(workers=workers, batch=3):
        until(lambda: fg.metrics()["Collect"].get("frames"), 30)
        assert fg.running
    assert not fg.running


def test_stop_ends_a_sink_that_waits_for_a_peer(tmp_path):
    fg = Flowgraph()
    fg.connect(Endless(), ZmqSink(f"ipc://{tmp_path}/nobody"))
    began = time.monotonic()
    with fg.start():
        until(lambda: fg.metrics()["Endless"].get("frames"), 30)
    assert time.monotonic() - began < 5


def test_endpoint_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        fg = Flowgraph()
        fg.connect(ArraySource(x=X), ZmqSink(endpoint))
        assert endpoint in str(fails(fg))


def test_a_flowgraph_runs_again_after_a_failure_and_after_success():
    fg = graph(Faulty("work"))
    fails(fg)
    fg.nodes[1].phase = "none"
    for workers in ("thread", "process", "thread"):
        found = fg.run(blocks=100, workers=workers)["Collect"]["arrays"]["x"]
        np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize("workers", ["thread", "process"])
def test_ctrl_c_stops_everything_with_exit_code_130(workers, tmp_path):
    endless = ("-m", "flowgraphs.fdd_e2e", "--blocks", "100000000", "--calibration", "none", "--no-compare")
    options = ("--workers", workers, "--transport", "ipc")
    with started(*endless, *options, start_new_session=True, env={**os.environ, "TMPDIR": str(tmp_path)}) as program:
        until(lambda: list(tmp_path.glob("calibeam-*/edge*")))
        children = psutil.Process(program.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 130, errors
    assert "Traceback" not in errors
    assert time.monotonic() - began < 5
    psutil.wait_procs(children, timeout=3)
    assert not [c for c in children if c.is_running()]
    assert list(tmp_path.glob("calibeam-*")) == []


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads signal masks from /proc")
def test_worker_processes_never_hear_ctrl_c():
    fg = Flowgraph()
    fg.connect(Endless(), Collect())
    with fg.start(workers="process"):
        until(lambda: fg.metrics()["Collect"].get("frames"), 30)
        for worker in multiprocessing.active_children():
            with open(f"/proc/{worker.pid}/status") as status:
                blocked = next(int(line.split()[1], 16) for line in status if line.startswith("SigBlk"))
            assert blocked & 1 << (signal.SIGINT - 1)


def test_workers_end_when_their_flowgraph_is_killed(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(
        textwrap.dedent("""
        from tests.blocks.runtime.test_failures import Endless
        from tests.streams import Collect
        from blocks import Flowgraph

        if __name__ == "__main__":
            fg = Flowgraph()
            fg.connect(Endless(), Collect())
            fg.start(workers="process")
            while not fg.metrics()["Collect"].get("frames", 0):
                pass
            print("streaming", flush=True)
            fg.wait()
        """)
    )
    with started(script, env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.getcwd()}) as program:
        assert program.stdout.readline() == "streaming\n"
        children = psutil.Process(program.pid).children(recursive=True)
        assert len(children) >= 2
        program.kill()
        program.communicate(timeout=20)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert list(tmp_path.glob("calibeam-*")) == []
