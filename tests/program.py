"""A program in a process of its own, which ends when its test ends."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

PATIENCE_S = 60


@contextmanager
def started(*command, **options):
    """The process (a Popen with pipes of text) of a Python program, `file.py` or `-m module` first; killed on the way out if it still runs.

    Ctrl-C ends it even where this process ignores Ctrl-C, as under nohup or behind `&`: an ignored signal would be inherited.
    """
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen([sys.executable, *map(str, command)], **options)
    finally:
        signal.signal(signal.SIGINT, ours)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


def finished(*command, timeout_s=PATIENCE_S, **options):
    """A CompletedProcess of a Python program with what it said; it has `timeout_s` to end."""
    with started(*command, **options) as process:
        out, err = process.communicate(timeout=timeout_s)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def until(condition, timeout_s=PATIENCE_S):
    """Returns the first true value of `condition()`; fails the test where none comes in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not so after {timeout_s} s"
        time.sleep(0.01)
    return value


def free_ports(count=1):
    """The first of `count` neighbouring TCP ports of this machine that are free."""
    for _ in range(100):
        with ExitStack() as probes:
            first = 0
            try:
                for n in range(count):
                    probe = probes.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", first and first + n))
                    first = first or probe.getsockname()[1]
            except OSError:  # somebody has the neighbour
                continue
            return first
    raise AssertionError(f"found no {count} free ports beside each other")
