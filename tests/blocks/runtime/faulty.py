"""Blocks that fail on purpose, importable by worker processes."""

import os
import signal
import threading

import numpy as np

from blocks import Block, Signal


class Endless(Block):
    """A source of zeros."""

    outputs = {"x": Signal(2, dtype="float32")}

    def work(self, index):
        return np.zeros((len(index), 2), np.float32)


class Faulty(Block):
    """Raises in one phase, from block 30 on where that is `work`."""

    inputs = {"x": Signal("N", dtype="float32")}
    outputs = {"x": Signal("N", dtype="float32")}

    def __init__(self, phase):
        self.phase = phase
        self._fail("init")

    def _fail(self, phase):
        if self.phase == phase:
            raise RuntimeError(f"broken in {phase}")

    def start(self):
        self._fail("start")

    def work(self, index, x):
        if index.start >= 30:
            self._fail("work")
        return x

    def end(self):
        self._fail("end")

    def stop(self):
        self._fail("stop")


class Suicidal(Faulty):
    """Its process is killed in the middle of the stream."""

    def __init__(self):
        super().__init__("none")

    def work(self, index, x):
        if index.start >= 30:
            os.kill(os.getpid(), signal.SIGKILL)
        return x


class Misshapen(Faulty):
    """Returns something else than it declares."""

    def __init__(self, change):
        super().__init__("none")
        self.change = change

    def work(self, index, x):
        return {"rank": x[0], "count": x[:-1], "dtype": x.astype("float64"), "size": x[:, :-1], "none": None, "name": {"y": x}}[self.change]


class Slow(Faulty):
    """Lets a frame through only when its gate opens for it."""

    def __init__(self):
        super().__init__("none")

    def start(self):
        self.gate = threading.Semaphore(0)

    def work(self, index, x):
        self.gate.acquire()
        return x


class Wordless(Exception):
    """An exception that has no text."""

    def __str__(self):
        raise ValueError("no words")


class Untellable(Faulty):
    """Has something to tell that cannot be told."""

    def __init__(self, what):
        super().__init__("none")
        self.what = what

    def work(self, index, x):
        if self.what == "error without text":
            raise Wordless
        if self.what == "error of half a character":
            raise RuntimeError("\ud800")
        return x

    def report(self):
        if self.what == "report raises":
            raise RuntimeError("no report")
        return {"x": {1}} if self.what == "report cannot be packed" else {}

    def result(self):
        if self.what == "result raises":
            raise RuntimeError("no result")
        return {"x": object()} if self.what == "result cannot be packed" else None


class Asleep(Block):
    """A sink that does nothing for a tenth of a second a frame."""

    inputs = {"x": Signal("N", dtype="float32")}

    def work(self, x):
        threading.Event().wait(0.1)
