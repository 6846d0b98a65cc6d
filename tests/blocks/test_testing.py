"""The contract finds the blocks that break it, and runs for a class of a user's own file."""

import re
import textwrap

import numpy as np
import pytest

from blocks import Block, Signal, ZFPrecoder, ZmqSource
from blocks.testing import Contract, check_block, check_file, example_of
from tests.streams import complex_normal

H = complex_normal(np.random.default_rng(2), 23, 8, 3)


class OfItsFrame(Block):
    """Gives what depends on how the stream is cut."""

    inputs = {"h": Signal("M", "K")}
    outputs = {"h": Signal("M", "K")}

    def work(self, h):
        return h - h.mean(0)


class Scribbler(OfItsFrame):
    """Writes to its input."""

    def work(self, h):
        h *= 2
        return h.copy()


class Unpicklable(OfItsFrame):
    """Holds what no process can be given."""

    def __init__(self):
        self.double = lambda h: 2 * h

    def work(self, h):
        return self.double(h)


class Moody(OfItsFrame):
    """Gives something else every time."""

    def work(self, h):
        return h + np.complex64(np.random.default_rng().random())


class CountsFrames(Block):
    """A sink whose result is the number of frames."""

    inputs = {"h": Signal("M", "K")}

    def start(self):
        self.frames_seen = 0

    def work(self, h):
        self.frames_seen += 1

    def result(self):
        return {"frames": self.frames_seen}


class Uneven(OfItsFrame):
    """Gives some numbers that are not finite, and others that depend on how the stream is cut."""

    def work(self, h):
        made = h - h.mean(0)
        made[:, 0, 0] = np.inf
        return made


@pytest.mark.parametrize(
    ("make", "broken"),
    [
        (OfItsFrame, "batches of 1, threads, inproc"),
        (OfItsFrame, "fused with its neighbours"),
        (OfItsFrame, "split into two flowgraphs"),
        (OfItsFrame, "recorded and replayed"),
        (Uneven, "recorded and replayed"),
        (Unpicklable, "pickled"),
        (Unpicklable, "batches of 5, processes, ipc"),
        (Scribbler, "inputs unwritten"),
        (Moody, "pickled"),
        (CountsFrames, "batches of 7, threads, ipc"),
    ],
)
def test_a_block_that_breaks_the_contract_is_named_with_the_property(make, broken):
    with pytest.raises(AssertionError, match=rf"{make.__name__} breaks the contract of blocks \({re.escape(broken)}\)"):
        Contract(make, {"h": H}).check(broken)


def test_check_block_needs_no_test_runner():
    check_block(lambda: ZFPrecoder(2.0), h_est=H)
    with pytest.raises(AssertionError, match="OfItsFrame breaks"):
        check_block(OfItsFrame, h=H)


MINE = """
    import numpy as np
    from blocks import Block, Signal

    class Mine(Block):
        inputs = {"h_est": Signal("M", "K"), "p": Signal("K", dtype="float32")}
        outputs = {"v": Signal("M", "K")}

        def __init__(self, power):
            self.power = power

        def work(self, h_est, p):
            return self.power * h_est * p[:, None]

    class Plain(Mine):
        def __init__(self):
            super().__init__(2.0)
"""


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "my.py"
    made.write_text(textwrap.dedent(MINE))
    return made


def test_a_block_without_arguments_is_checked_on_random_numbers(file):
    assert tuple(check_file(f"{file}:Plain")) == Contract.properties


def test_a_block_with_arguments_asks_for_an_example_and_is_checked_on_it(file):
    with pytest.raises(ValueError, match="Mine cannot be made without power: add EXAMPLE"):
        next(check_file(f"{file}:Mine"))
    file.rename(file.with_name("mine.py"))
    with file.with_name("mine.py").open("a") as more:
        more.write('EXAMPLE = (lambda: Mine(3.0), {"h_est": np.ones((5, 8, 2), "complex64"), "p": np.ones((5, 2), "float32")})\n')
    assert tuple(check_file(f"{file.with_name('mine.py')}:Mine")) == Contract.properties


def test_blocks_that_reach_outside_are_exempt():
    with pytest.raises(ValueError, match="ZmqSource reaches outside of the flowgraph"):
        example_of(ZmqSource)
