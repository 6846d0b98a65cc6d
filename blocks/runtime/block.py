"""What a block is: typed ports and a `work` function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from blocks.runtime.frame import Frame
from blocks.runtime.refusal import Refusal

Array = np.ndarray[Any, Any]
Shape = tuple[int | None, ...] | None


class Signal:
    """Type of one port: dimensions of one coherence block's array and a dtype.

    Signal("M", "L") is an (M, L) complex64 array per coherence block; a name is a dimension settled at connect time, a
    number is fixed, Signal(...) takes any shape and dtype=None any dtype. An `optional` input may stay unconnected.
    """

    def __init__(self, *dims: Any, dtype: str | None = "complex64", optional: bool = False):
        self.any_shape = dims == (...,)
        self.dims: tuple[Any, ...] = () if self.any_shape else dims
        self.dtype = None if dtype is None else np.dtype(dtype)
        self.optional = optional
        for dim in self.dims:
            if not (isinstance(dim, str) or (isinstance(dim, int) and dim >= 0)):
                raise ValueError(f"dimension {dim!r} of a Signal is neither a name nor a number >= 0")

    def __repr__(self) -> str:
        shape = "any shape" if self.any_shape else f"({', '.join(map(str, self.dims))})"
        return f"{shape} {self.dtype or 'any dtype'}"


class Block:
    """Base of all blocks. A subclass declares `inputs` and `outputs` and defines `work`.

    `work(self, <one argument per input>)` gets arrays with a leading frame axis B and returns an array (one output), a
    dict by output name, or None (a sink). It may also ask for `index` (the range of coherence blocks in the frame) and
    `tags` (a dict that follows the frame downstream; change it in place). A source has no inputs and gets `index`.
    Input arrays are read-only, and an array once returned must not be written again.

    `gathers`: where frames wait that continue each other, they come as one, of about that many coherence blocks at most: for a block
    that is much faster on many at once.

    `outside`: True for a block whose frames come from, or go to, something outside of the flowgraph; the contract in blocks/testing.py
    is for the others.

    A class that others are derived from, and that is no block to use, says so: `class Base(Block, abstract=True)`.

    A block is a picklable specification: make heavy state in `start`, which runs in the worker that runs the block. A
    `work` or `frames` that waits for something outside has to ask `self.interrupted()`, true once the flowgraph wants to stop. For
    messages there is `fed_by`, which a flowgraph fills: {input: "block.output" that feeds it}. A block that leaves out a frame and goes
    on calls `self.refuse(tags, reason)`: the sinks tell it to the sender, where the frame's tags say who that is.
    """

    inputs: dict[str, Signal] = {}
    outputs: dict[str, Signal] = {}
    name: str = ""
    takes_tensors: bool = False
    gathers: int = 0
    abstract: bool = True
    outside: bool = False
    first: int = 0
    fed_by: dict[str, str] = {}
    interrupted: Callable[[], bool] = staticmethod(lambda: False)
    refuse: Callable[[dict[str, Any], str], None] = staticmethod(lambda tags, reason: None)

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.abstract = abstract

    def offer(self, ports: dict[str, Signal]) -> None:
        """A block that takes whatever it is connected to adopts `ports` as inputs; others ignore the offer."""

    def dims(self) -> dict[str, int]:
        """Sizes that this block knows of the dimension names in its ports."""
        return {}

    def start(self) -> None:
        """Make what `work` needs; called once in the worker."""

    def work(self, *args: Any, **kwargs: Any) -> Any:
        """Compute one frame."""
        raise TypeError(f"{type(self).__name__} defines no work function")

    def end(self) -> None:
        """The stream came to its end; called once after the last frame, and not after an error or an early stop."""

    def stop(self) -> None:
        """Let go of what `start` made; called once, also after an error."""

    def refused(self, refusal: Refusal) -> None:
        """Frames of a run were refused before they came here: a sink that reaches their sender tells it."""

    def result(self) -> dict[str, Any] | None:
        """What `Flowgraph.run` returns for this block: None, or a map of numbers, strings, lists, maps and arrays."""
        return None

    def results(self) -> dict[str, dict[str, Any]]:
        """Results by block name; a Chain returns those of its blocks."""
        result = self.result()
        return {} if result is None else {self.name: result}

    def report(self) -> dict[str, Any]:
        """A small map of numbers for live displays, part of `Flowgraph.metrics`."""
        return {}

    def frames(self, blocks: int | None, batch: int) -> Iterator[Frame | None]:
        """The frames of a source: by default `work` for ranges of `batch` of `blocks` indices from `first` on. None means nothing yet."""
        start = self.first
        while blocks is None or start < self.first + blocks:
            stop = start + batch if blocks is None else min(start + batch, self.first + blocks)
            tags: dict[str, Any] = {}
            yield Frame(start, self.process(range(start, stop), {}, tags), tags, count=stop - start)
            start = stop

    def transform(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        """The frames that come of those at the inputs: by default one for one, through `work`. None means nothing yet.

        A block that changes the rate defines this in place of `work`: it may yield any number of frames, also after the last one came.
        """
        for frame in frames:
            if frame is not None:
                arrays = self.process(frame.index, frame.arrays, frame.tags)
                frame = Frame(frame.start, arrays, frame.tags, frame.count, frame.born_ns)
            yield frame

    def process(self, index: range, arrays: dict[str, Any], tags: dict[str, Any]) -> dict[str, Any]:
        """Call `work` with what its signature asks for and return its outputs by name."""
        wanted = _wanted(type(self))
        extra = {name: value for name, value in (("index", index), ("tags", tags)) if name in wanted}
        try:
            outcome = self.work(**arrays, **extra)
        except Exception as error:
            error.block_index = (index.start, index.stop - 1)  # type: ignore[attr-defined]
            raise
        if not self.outputs:
            if outcome is not None:
                raise TypeError(f"work of {type(self).__name__} returned a value, but the block declares no outputs")
            return {}
        if not isinstance(outcome, dict):
            if len(self.outputs) != 1:
                raise TypeError(f"work has to return a dict with {', '.join(self.outputs)}, got {type(outcome).__name__}")
            outcome = {next(iter(self.outputs)): outcome}
        if outcome.keys() != self.outputs.keys():
            raise TypeError(f"work returned {', '.join(outcome) or 'nothing'}, the block declares {', '.join(self.outputs)}")
        return outcome

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("interrupted", "refuse")}


_signatures: dict[type, set[str]] = {}


def _wanted(kind: type[Block]) -> set[str]:
    if kind not in _signatures:
        _signatures[kind] = set(inspect.signature(kind.work).parameters)
    return _signatures[kind]


def as_array(value: Any) -> Array:
    """A NumPy array for an array or a tensor on any device."""
    return value if isinstance(value, np.ndarray) else value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def read_only(array: Array) -> Array:
    """A view of the array that cannot be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def checked_arrays(block: Block, arrays: dict[str, Any], shapes: dict[str, Shape], count: int) -> dict[str, Array]:
    """Outputs as read-only C-ordered arrays. Raises TypeError where one differs from its declaration."""
    checked: dict[str, Array] = {}
    for name, value in arrays.items():
        array = read_only(np.ascontiguousarray(as_array(value)))
        signal, shape = block.outputs[name], shapes[name]
        if signal.dtype is not None and array.dtype != signal.dtype:
            raise TypeError(f"output {name} has dtype {array.dtype}, the block declares {signal.dtype}")
        fits = array.ndim >= 1 and array.shape[0] == count
        if shape is not None:
            fits &= array.ndim == len(shape) + 1
            fits = fits and all(want is None or want == got for want, got in zip(shape, array.shape[1:], strict=True))
        if not fits:
            expected = (count, *("?" if d is None else d for d in shape)) if shape is not None else (count, "...")
            raise TypeError(f"output {name} has shape {array.shape}, expected {expected}")
        checked[name] = array
    return checked
