import multiprocessing
import os
import sys
import tempfile
from typing import NamedTuple

import numpy as np
import pytest
import zmq
from hypothesis import HealthCheck, settings

# the same examples on every machine, however busy it is
settings.register_profile("calibeam", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calibeam")

# weights that somebody trained on this machine are not those that are tested
os.environ["CALIBEAM_WEIGHTS"] = tempfile.mkdtemp(prefix="calibeam-weights-")


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)


@pytest.fixture
def context():
    """A ZeroMQ context: its sockets wait 20 s for a message and no longer, and close at the end whatever they still hold."""
    made = zmq.Context()
    made.linger, made.rcvtimeo, made.sndtimeo = 0, 20_000, 20_000
    yield made
    made.destroy(linger=0)


@pytest.fixture
def spawned():
    """Starts `target(*args)` in a process of its own; what still runs at the end is killed."""
    made, spawn = [], multiprocessing.get_context("spawn")

    def start(target, *args):
        made.append(spawn.Process(target=target, args=args, daemon=True))
        made[-1].start()
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.join(10)


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a program's main function in this process: its exit code, standard output and standard error."""

    def run(main, *options):
        monkeypatch.setattr(sys, "argv", ["program", *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(ended.value.code or 0, *capsys.readouterr())

    return run
