"""Whatever ends a thread or a process of ours, or is said by one and does not fit, ends the run with an error."""

import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from blocks import BlockError, Chain, Flowgraph
from blocks.runtime import supervisor, worker
from tests.blocks.runtime.faulty import Asleep, Endless, Faulty, Untellable
from tests.streams import ArraySource, Collect

X = np.arange(200, dtype=np.float32).reshape(100, 2)


def graph(block):
    fg = Flowgraph()
    fg.connect(ArraySource(x=X), block, Collect())
    return fg


@pytest.fixture(autouse=True)
def nothing_hangs(monkeypatch):
    """A run that is not over after 20 s is ended from outside, and fails."""
    waits = threading.Event.wait

    def bounded(self, timeout=None):
        return waits(self, 20 if timeout is None else timeout)

    monkeypatch.setattr(threading.Event, "wait", bounded)


@pytest.mark.parametrize("content", [b"\xc1", b"\x80", b"\xa4done", b"\x82\xa4kind\xa4done\xa7results\x91\x01"])
def test_a_control_message_that_does_not_fit_names_the_worker_that_sent_it(content, monkeypatch):
    monkeypatch.setattr(worker.Worker, "_last_message", lambda self, failure: content)
    with pytest.raises(BlockError, match=r"(ArraySource|Faulty|Collect) .*its message to the flowgraph does not fit"):
        graph(Faulty("none")).run(blocks=100)


@pytest.mark.parametrize("method", ["_look", "_look_for_dead", "_tell_all", "_clean_up"])
def test_an_error_in_the_supervisor_itself_ends_the_run(method, monkeypatch):
    real = getattr(supervisor.Supervisor, method)

    def once(self, *args, **kwargs):
        monkeypatch.setattr(supervisor.Supervisor, method, real)
        if method == "_clean_up":
            real(self)
        raise MemoryError("no memory is left")

    fg = Flowgraph()
    fg.connect(Endless(), Asleep())
    monkeypatch.setattr(supervisor.Supervisor, method, once)
    with pytest.raises(BlockError, match="the flowgraph .*failed in supervision: MemoryError: no memory is left"):
        fg.run(blocks=200 if method == "_clean_up" else None)
    assert not fg.running


def test_a_worker_that_cannot_even_begin_says_why(monkeypatch):
    def broken(self, *_):
        raise OSError("too many open files")

    monkeypatch.setattr(worker.Worker, "__init__", broken)
    with pytest.raises(BlockError, match="ArraySource .*its worker died .*OSError: too many open files"):
        graph(Faulty("none")).run(blocks=100)


@pytest.mark.parametrize("workers", ["thread", "process"])
@pytest.mark.parametrize(
    ("what", "phase", "words"),
    [
        ("report raises", "report", "RuntimeError: no report"),
        ("report cannot be packed", "report", "a result or report holds a set"),
        ("result raises", "result", "RuntimeError: no result"),
        ("result cannot be packed", "result", "a result or report holds a object"),
        ("error without text", "work", "Wordless: an error whose text cannot be had"),
        ("error of half a character", "work", r"RuntimeError: \\ud800"),
    ],
)
def test_what_a_block_cannot_tell_is_an_error_that_names_it(what, phase, words, workers):
    with pytest.raises(BlockError, match=words) as caught:
        graph(Chain(Faulty("none"), Untellable(what))).run(blocks=100, workers=workers)
    assert (caught.value.block, caught.value.phase) == ("Untellable", phase)


def test_stop_raises_what_failed_before():
    fg = graph(Faulty("work"))
    fg.start(blocks=100, batch=10)
    assert fg.ended(20)
    with pytest.raises(BlockError, match="broken in work"):
        fg.stop()


def test_leaving_a_run_that_failed_raises_the_error_unless_it_was_raised_before():
    with pytest.raises(BlockError, match="broken in work"), graph(Faulty("work")).start(blocks=100, batch=10) as fg:
        assert fg.ended(20)
    with graph(Faulty("work")).start(blocks=100, batch=10) as fg, pytest.raises(BlockError):
        fg.wait()
    with pytest.raises(KeyError), graph(Faulty("work")).start(blocks=100, batch=10) as fg:
        assert fg.ended(20)
        raise KeyError("of the body")


@pytest.mark.parametrize("end", ["stop", "leave"])
def test_a_block_that_does_not_stop_is_an_error(end, monkeypatch):
    monkeypatch.setattr(supervisor, "_GRACE_S", 0.2)
    inside, gate = threading.Event(), threading.Event()

    class Stubborn(Faulty):
        def work(self, index, x):
            inside.set()
            gate.wait(20)
            return x

    fg = graph(Stubborn("none"))
    try:
        with pytest.raises(BlockError, match="Stubborn .*did not stop within 0.2 s"), fg.start(blocks=100):
            assert inside.wait(20)
            if end == "stop":
                fg.stop()
    finally:
        gate.set()


NOTEBOOK = """
import numpy as np
from blocks import Block, Chain, Flowgraph, Signal
from tests.streams import Collect

class Ones(Block):
    outputs = {"x": Signal(2, dtype="float32")}
    def work(self, index):
        return np.ones((len(index), 2), np.float32)

for make in (Ones, lambda: Chain(Ones())):
    fg = Flowgraph()
    fg.connect(make(), Collect())
    assert fg.run(blocks=3)["Collect"]["arrays"]["x"].shape == (3, 2)
    try:
        fg.run(blocks=3, workers="process")
    except ValueError as error:
        print(error)
"""


def test_a_class_of_a_notebook_cell_gets_an_advice_that_helps_there():
    run = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, timeout=60)
    advice = "Ones is defined in a notebook cell or at a prompt, .* define it in a file that is imported, or take workers='thread'"
    assert len(re.findall(advice, run.stdout)) == 2, run.stdout + run.stderr
