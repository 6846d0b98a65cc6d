"""Blocks that fail on purpose, importable by worker processes."""

import os
import signal
import threading

from blocks import Block, Signal


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
