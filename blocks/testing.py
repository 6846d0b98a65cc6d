"""The contract of a block: batch, transport, worker, fusion, a split into two programs, and recording leave what it gives alone.

from blocks.testing import check_block

def test_mine_keeps_the_contract():
    check_block(lambda: Mine(power=2.0), h_est=h)
"""

from __future__ import annotations

import functools
import inspect
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from blocks.runtime import Block, Chain, Flowgraph, Signal, ZmqSink, ZmqSource, run_block
from blocks.stream.file_sink import FileSink
from blocks.stream.file_source import FileSource
from sim.extension import load_class

_SOURCE_BLOCKS = 23
_PATIENCE_S = 120.0
_TOLERANCE = 1e-6
_MODES: dict[str, dict[str, Any]] = {
    "batches of 1, threads, inproc": {"batch": 1},
    "batches of 7, threads, ipc": {"batch": 7, "transport": "ipc"},
    "batches of 64, threads, tcp": {"batch": 64, "transport": "tcp"},
    "batches of 5, processes, ipc": {"batch": 5, "workers": "process", "transport": "ipc"},
}


def check_block(make: Callable[[], Block], **arrays: np.ndarray) -> None:
    """Check everything that holds for every block, on new ones from `make` that get `arrays`, one per input (B, ...).

    Sources make 23 coherence blocks. Raises AssertionError that names the block, what does not hold, and why.
    """
    contract = Contract(make, arrays)
    for name in Contract.properties:
        contract.check(name)


def check_file(spec: str) -> Iterator[str]:
    """The properties of the contract that the block of a "my.py:Mine" keeps, one after the other, each checked before it is given.

    It is made and fed as EXAMPLE in the same file says, (make, {input: array}); without one, as `Mine()` on random numbers. Raises what
    `load_class` and `check_block` do, and ValueError for a block that needs an EXAMPLE or that `outside` exempts from the contract.
    """
    contract = Contract(*example_of(load_class(spec, Block)))
    for name in Contract.properties:
        contract.check(name)
        yield name


def example_of(kind: type[Block]) -> tuple[Callable[[], Block], dict[str, np.ndarray]]:
    """(make, arrays) of a class: EXAMPLE of its module, or `kind()` and random numbers of the shapes that it declares.

    Raises ValueError where neither is to be had.
    """
    if kind.outside:
        raise ValueError(f"{kind.__name__} reaches outside of the flowgraph: its frames are not its own, and the contract does not apply")
    remedy = f'add EXAMPLE = (lambda: {kind.__name__}(...), {{"input": array}}) to its file'
    example = getattr(sys.modules[kind.__module__], "EXAMPLE", None)
    if example is not None:
        make, arrays = example
        if not isinstance(made := make(), kind):
            raise ValueError(f"EXAMPLE makes a {type(made).__name__}, not a {kind.__name__}")
        return make, arrays
    needed = [
        p.name
        for p in inspect.signature(kind).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        raise ValueError(f"{kind.__name__} cannot be made without {', '.join(needed)}: {remedy}")
    block = kind()
    if any(signal.any_shape or signal.dtype is None for signal in block.inputs.values()):
        raise ValueError(f"{kind.__name__} does not declare the shapes of all inputs: {remedy}")
    return kind, _random_inputs(block)


def _random_inputs(block: Block) -> dict[str, np.ndarray]:
    rng, sizes = np.random.default_rng(1), dict(block.dims())
    arrays = {}
    for name, signal in block.inputs.items():
        dims = [sizes.setdefault(dim, 3 + len(sizes) if sizes else 16) if isinstance(dim, str) else dim for dim in signal.dims]
        shape = (_SOURCE_BLOCKS, *dims)
        numbers = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        arrays[name] = (numbers if np.issubdtype(signal.dtype, np.complexfloating) else numbers.real).astype(signal.dtype)
    return arrays


class ArraySource(Block):
    """Sends given arrays (B, ...), one port each."""

    def __init__(self, **arrays: np.ndarray):
        self.arrays = arrays
        self.outputs = {name: Signal(*a.shape[1:], dtype=a.dtype.str) for name, a in arrays.items()}

    def work(self, index):
        return {name: a[index.start : index.stop] for name, a in self.arrays.items()}


class Collect(Block):
    """Keeps everything that it gets. Result: {"arrays": by port, "starts": first index of every frame, "tags": of every frame}."""

    def __init__(self):
        self.inputs = {}

    def offer(self, ports):
        self.inputs = {**self.inputs, **ports}

    def start(self):
        self.kept, self.starts, self.tags = {}, [], []

    def work(self, index, tags, **arrays):
        self.starts.append(index.start)
        self.tags.append(dict(tags))
        for name, array in arrays.items():
            self.kept.setdefault(name, []).append(array.copy())

    def result(self):
        return {"arrays": {n: np.concatenate(a) for n, a in self.kept.items()}, "starts": self.starts, "tags": self.tags}


class Contract:
    """The contract for one kind of block, property by property. make, arrays: see `check_block`."""

    properties: tuple[str, ...] = (
        *_MODES,
        "fused with its neighbours",
        "split into two flowgraphs",
        "recorded and replayed",
        "pickled",
        "inputs unwritten",
    )

    def __init__(self, make: Callable[[], Block], arrays: dict[str, np.ndarray]):
        self.make = make
        self.arrays: dict[str, Any] = arrays
        self.blocks = len(next(iter(arrays.values()))) if arrays else _SOURCE_BLOCKS

    @functools.cached_property
    def alone(self) -> dict[str, Any]:
        """What one block gives for all coherence blocks at once: arrays by output, or a sink's result."""
        return self._alone(self.make())

    def check(self, name: str) -> None:
        """Check one of `properties`. Raises AssertionError where it does not hold."""
        try:
            if name in _MODES:
                self._assert_same(self._streamed(**_MODES[name]))
            else:
                {
                    "fused with its neighbours": self._fused,
                    "split into two flowgraphs": self._split,
                    "recorded and replayed": self._recorded,
                    "pickled": self._pickled,
                    "inputs unwritten": self._unwritten,
                }[name]()
        except Exception as error:
            raise AssertionError(
                f"{type(self.make()).__name__} breaks the contract of blocks ({name}): {type(error).__name__}: {error}"
            ) from error

    def _alone(self, block):
        return run_block(block, range(self.blocks), **self.arrays)

    def _source(self):
        return [ArraySource(**self.arrays)] if self.arrays else []

    def _streamed(self, **mode):
        block, fg = self.make(), Flowgraph()
        fg.connect(*self._source(), block, *([Collect()] if block.outputs else []))
        return self._given(block, _run(fg, blocks=self.blocks, **mode))

    def _given(self, block, results):
        return results["Collect"]["arrays"] if block.outputs else results.get(block.name, {})

    def _fused(self):
        block, fg = self.make(), Flowgraph()
        if block.outputs:
            fg.connect(Chain(*self._source(), block), Collect())
        else:
            fg.connect(*self._source(), Chain(block))
        self._assert_same(self._given(block, _run(fg, blocks=self.blocks, batch=6)))

    def _split(self):
        with tempfile.TemporaryDirectory() as folder:
            endpoint = f"ipc://{folder}/split"
            block, first, second = self.make(), Flowgraph(), Flowgraph()
            if block.outputs:
                first.connect(*self._source(), block, ZmqSink(endpoint))
                ports: dict[str, Any] = {n: Signal(*a.shape[1:], dtype=a.dtype.str) for n, a in self.alone.items()}
                second.connect(ZmqSource(endpoint, **ports), Collect())
            else:
                [source] = self._source()
                first.connect(source, ZmqSink(endpoint))
                second.connect(ZmqSource(endpoint, **source.outputs), block)
            with second.start(batch=64):
                _run(first, blocks=self.blocks, batch=4)
                self._assert_same(self._given(block, _wait(second)))

    def _recorded(self):
        with tempfile.TemporaryDirectory() as folder:
            file, block, record, replay = Path(folder) / "frames.cbm", self.make(), Flowgraph(), Flowgraph()
            record.connect(*self._source(), *([block] if block.outputs else []), FileSink(file))
            _run(record, blocks=self.blocks, batch=9)
            replay.connect(FileSource(file), Collect() if block.outputs else block)
            self._assert_same(self._given(block, _run(replay)))

    def _pickled(self):
        self._assert_same(self._alone(pickle.loads(pickle.dumps(self.make()))))

    def _unwritten(self):
        copies = {name: a.copy() for name, a in self.arrays.items()}
        self._alone(self.make())
        for name, array in self.arrays.items():
            np.testing.assert_array_equal(array, copies[name], err_msg=name)

    def _assert_same(self, found):
        _assert_same(found, self.alone, "it")


def _run(fg, **how):
    with fg.start(**how):
        return _wait(fg)


def _wait(fg):
    if not fg.ended(_PATIENCE_S):
        raise TimeoutError(f"the flowgraph did not end within {_PATIENCE_S:g} s")
    return fg.wait()


def _assert_same(found, expected, where):
    """Equal, numbers to 1e-6 of the largest beside them; maps and lists entry by entry."""
    if isinstance(expected, dict):
        assert isinstance(found, dict) and found.keys() == expected.keys(), f"{where} gives {sorted(found)}, alone {sorted(expected)}"
        for key, value in expected.items():
            _assert_same(found[key], value, key)
    elif isinstance(expected, (list, tuple)) and not all(isinstance(value, (int, float)) for value in expected):
        assert len(found) == len(expected), f"{where} has {len(found)} entries, alone {len(expected)}"
        for number, pair in enumerate(zip(found, expected, strict=True)):
            _assert_same(*pair, f"{where}[{number}]")
    elif isinstance(expected, (str, bytes, type(None))):
        assert found == expected, f"{where} is {found!r}, alone {expected!r}"
    else:
        numbers = np.asarray(expected)
        largest = np.abs(numbers[np.isfinite(numbers)]).max(initial=0)
        np.testing.assert_allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE * largest, err_msg=str(where))
