"""Several blocks run back to back in one worker, with no socket between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

from blocks.runtime.block import Block, Signal, as_array
from blocks.runtime.control import pack
from blocks.runtime.errors import WiringError
from blocks.runtime.frame import Frame
from blocks.runtime.links import default_links, name_of
from blocks.runtime.refusal import Refusal

_Frames = Iterator[Frame | None]


class Chain(Block):
    """Chain(a, b, c) feeds a's outputs to b and b's outputs to c; it has a's inputs and c's outputs.

    Tensors stay where they are between blocks that take tensors. Raises WiringError where two neighbours do not fit.
    """

    def __init__(self, *nodes: Block):
        if not nodes:
            raise WiringError("a Chain needs at least one block")
        self.nodes = nodes
        self.rename(set())
        self.inputs, self.outputs = nodes[0].inputs, nodes[-1].outputs
        self.takes_tensors = nodes[0].takes_tensors
        self.links: list[tuple[Block, str, Block, str]] = []
        for source, target in pairwise(nodes):
            target.offer(source.outputs)
            pairs = default_links(source, target)
            missing = [n for n, s in target.inputs.items() if not s.optional and n not in dict(pairs).values()]
            if missing:
                raise WiringError(f"in a Chain, {source.name} does not feed input {missing[0]} of {target.name}")
            self.links += [(source, out, target, into) for out, into in pairs]

    def rename(self, taken: set[str]) -> None:
        """Give the blocks names that differ from each other and from those `taken`, and the chain one made of them."""
        taken = set(taken)
        for block in self.nodes:
            block.name = name_of(block, taken)
            taken.add(block.name)
        self.name = "+".join(block.name for block in self.nodes)

    def start(self) -> None:
        for block in self.nodes:
            block.interrupted, block.refuse = self.interrupted, self.refuse
            with _blame(block):
                block.start()

    def end(self) -> None:
        for block in self.nodes:
            with _blame(block):
                block.end()

    def stop(self) -> None:
        with ExitStack() as stops:  # runs them all, whichever fails
            for block in reversed(self.nodes):
                stops.callback(_stop, block)

    def refused(self, refusal: Refusal) -> None:
        self.nodes[-1].refused(refusal)

    def offer(self, ports: dict[str, Signal]) -> None:
        self.nodes[0].offer(ports)
        self.inputs = self.nodes[0].inputs

    def results(self) -> dict[str, dict[str, Any]]:
        return self._gather(lambda block: block.results())

    def report(self) -> dict[str, Any]:
        return self._gather(lambda block: block.report())

    def _gather(self, ask: Callable[[Block], dict[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for block in self.nodes:
            with _blame(block):
                told = ask(block)
                pack(told)
                found |= told
        return found

    def frames(self, blocks: int | None, batch: int) -> Iterator[Frame | None]:
        return self._rest(self.nodes[0].frames(blocks, batch))

    def transform(self, frames: _Frames) -> _Frames:
        return self._rest(self.nodes[0].transform(frames))

    def _rest(self, frames: _Frames) -> _Frames:
        frames = _blamed(self.nodes[0], frames)
        for block in self.nodes[1:]:
            frames = _blamed(block, block.transform(self._fed(block, frames)))
        return frames

    def _fed(self, block: Block, frames: _Frames) -> _Frames:
        for frame in frames:
            if frame is not None:
                arrays = {into: frame.arrays[out] for _, out, target, into in self.links if target is block}
                if not block.takes_tensors:
                    arrays = {name: as_array(value) for name, value in arrays.items()}
                frame = Frame(frame.start, arrays, frame.tags, frame.count, frame.born_ns)
            yield frame


def _blamed(block: Block, frames: _Frames) -> _Frames:
    with _blame(block):
        yield from frames


def _stop(block: Block) -> None:
    with _blame(block):
        block.stop()


@contextmanager
def _blame(block: Block) -> Iterator[None]:
    """Note on an exception which block of the chain raised it."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, "block_name"):
            error.block_name = block.name  # type: ignore[attr-defined]
        raise
