"""A flowgraph that waits for somebody says so, for whom and where, and says when that is over."""

import logging
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from blocks import Flowgraph, GNURadioSource, Signal, ZmqSink, ZmqSource
from blocks.runtime import peers
from tests.streams import ArraySource, Collect

X = np.arange(20, dtype=np.float32).reshape(10, 2)


@pytest.fixture
def said(monkeypatch, caplog):
    monkeypatch.setattr(peers, "_PATIENCE_S", 0.1)
    caplog.set_level(logging.WARNING, "calibeam")
    return lambda who="": [line for record in caplog.records if (line := record.getMessage()).startswith(who)]


def until(true, within_s=20.0):
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def receiver(endpoint, **options):
    fg = Flowgraph()
    fg.connect(ZmqSource(endpoint, x=Signal(2, dtype="float32"), **options), Collect())
    return fg


def sender(endpoint, **options):
    fg = Flowgraph()
    fg.connect(ArraySource(x=X), ZmqSink(endpoint, **options))
    return fg


@pytest.mark.parametrize("bind", [False, True])
def test_a_source_says_that_it_waits_for_a_sender_and_that_one_came(bind, said, tmp_path):
    endpoint = f"ipc://{tmp_path}/edge"
    waiting = f"ZmqSource waits for a sender at {endpoint}"
    with receiver(endpoint, bind=bind).start() as fg:
        until(said)
        assert said() == [f"{waiting}: nobody is connected"]
        sender(endpoint, bind=not bind).run(blocks=10)
        fg.wait()
    assert said(waiting) == [f"{waiting}: nobody is connected", f"{waiting}: it is there"]


@pytest.mark.parametrize("bind", [False, True])
def test_a_sink_says_that_it_waits_for_a_receiver_and_loses_nothing(bind, said, tmp_path):
    endpoint = f"ipc://{tmp_path}/edge"
    waiting = f"ZmqSink waits for a receiver at {endpoint}"
    with sender(endpoint, bind=bind).start(blocks=10) as fg:
        until(said)
        assert said() == [f"{waiting}: nobody is connected"] and fg.running
        np.testing.assert_array_equal(receiver(endpoint, bind=not bind).run()["Collect"]["arrays"]["x"], X)
        fg.wait()
    assert said(waiting) == [f"{waiting}: nobody is connected", f"{waiting}: it is there"]


def test_a_sender_that_left_is_waited_for_aloud(said, tmp_path):
    endpoint = f"ipc://{tmp_path}/edge"
    with receiver(endpoint, endless=True).start() as fg:
        until(said)
        sender(endpoint).run(blocks=10)
        until(lambda: len(said("ZmqSource")) == 3)
        assert said("ZmqSource")[2].endswith("nobody is connected")
        fg.stop()


def test_a_radio_source_waits_aloud_too(said, tmp_path):
    fg = Flowgraph()
    fg.connect(GNURadioSource(f"ipc://{tmp_path}/radio"), Collect())
    with fg.start():
        until(said)
        assert said() == [f"GNURadioSource waits for a sender at ipc://{tmp_path}/radio: nobody is connected"]


def test_nothing_is_said_while_somebody_is_there(said, tmp_path):
    endpoint = f"ipc://{tmp_path}/edge"
    quiet = Flowgraph()
    quiet.connect(ZmqSource(f"ipc://{tmp_path}/none", bind=True, x=Signal(2, dtype="float32")), ZmqSink(endpoint))
    with quiet.start(), receiver(endpoint).start() as fg:
        until(lambda: len(said()) >= 1)
        assert fg.running and all("none" in line for line in said())
        fg.stop()


def test_a_plain_script_says_it_on_standard_error(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        from blocks import Flowgraph, Signal, ZFPrecoder, ZmqSink, ZmqSource

        fg = Flowgraph()
        fg.connect(ZmqSource("ipc://{tmp_path}/in", h_est=Signal(64, 8)), ZFPrecoder(power=3.16), ZmqSink("ipc://{tmp_path}/out"))
        fg.run()
        """)
    )
    program = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True)
    try:
        assert program.stderr.readline() == f"ZmqSource waits for a sender at ipc://{tmp_path}/in: nobody is connected\n"
    finally:
        program.kill()
        program.communicate()
