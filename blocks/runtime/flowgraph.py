"""A graph of blocks: wiring, checks, and running it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from blocks.runtime.block import Block, Shape, Signal
from blocks.runtime.chain import Chain
from blocks.runtime.dims import Dimensions
from blocks.runtime.draw import as_picture, as_text
from blocks.runtime.errors import WiringError
from blocks.runtime.links import default_links, name_of
from blocks.runtime.supervisor import Supervisor, run_folder
from blocks.runtime.worker_spec import Edge, WorkerSpec

TRANSPORTS = ("inproc", "ipc", "tcp")
WORKERS = ("thread", "process")
_HERE = str(Path(__file__).parent)


class Flowgraph:
    """Blocks and the connections between them.

    fg = Flowgraph()
    fg.connect(source, channel, sink)              default ports
    fg.connect((a, "v"), (b, "v"))                 named ports
    results = fg.run(blocks=2000, batch=64)        {block name: its result}
    """

    def __init__(self) -> None:
        self.nodes: list[Block] = []
        self.links: list[tuple[Block, str, Block, str]] = []
        self._where: dict[str, str] = {}
        self._dimensions = Dimensions()
        self._run: Supervisor | None = None

    def connect(self, *ends: Block | tuple[Block, str]) -> None:
        """Wire each end to the next: a block, or (block, port). One block alone is taken in as it is, e.g. a Chain from source to sink.

        Raises WiringError, naming both ends, where ports do not fit, an input has a writer already, or a cycle would close.
        """
        if not ends:
            raise WiringError("connect needs a block")
        where = _caller()
        if len(ends) == 1 and isinstance(ends[0], Block):
            self._adopt(ends[0], where)
        for left, right in pairwise(ends):
            source, out = left if isinstance(left, tuple) else (left, None)
            target, into = right if isinstance(right, tuple) else (right, None)
            for block in (source, target):
                self._adopt(block, where)
            target.offer(source.outputs if out is None else {into or out: self._port(source, "output", out)})
            for a, b in self._pairs(source, out, target, into):
                self._link(source, a, target, b, where)

    def run(
        self, blocks: int | None = None, batch: int = 64, transport: str = "inproc", workers: str = "thread", queue: int = 4, first: int = 0
    ) -> dict[str, Any]:
        """`start`, then `wait`."""
        return self.start(blocks, batch, transport, workers, queue, first).wait()

    def start(
        self, blocks: int | None = None, batch: int = 64, transport: str = "inproc", workers: str = "thread", queue: int = 4, first: int = 0
    ) -> Flowgraph:
        """Start streaming and return at once; leaving `with fg.start(...):` stops it.

        blocks: coherence blocks that sources make (None: until stopped, or until an outside source ends); batch: blocks per
        frame; transport: inproc, ipc or tcp sockets between workers (with worker processes, inproc edges use ipc);
        workers: one thread or one process per block; queue: frames that an edge holds at each end; first: index of
        the first coherence block that simulated sources make.
        Raises WiringError for an input that nothing feeds and ValueError for bad arguments, before anything starts.
        """
        self._check(blocks, batch, transport, workers, queue, first)
        if self.running:
            raise ValueError("the flowgraph runs already; wait() for its end or stop() it first")
        for block in self.nodes:
            _owner(block, "inputs").first = first
        self._say_who_feeds_whom()
        folder = run_folder()
        edges = self._edges(folder, transport if workers == "thread" or transport != "inproc" else "ipc")
        specs = []
        for number, block in enumerate(self.nodes):
            inputs, outputs = (tuple(e for e in edges if getattr(e, side) == block.name) for side in ("target", "source"))
            shapes = {name: self._shape(block, name) for name in block.outputs}
            specs.append(WorkerSpec(number, block, inputs, outputs, shapes, blocks, batch, queue))
        self._run = Supervisor(folder, workers == "process")
        self._run.start(specs, self._where)
        return self

    def wait(self) -> dict[str, Any]:
        """Wait for the end of the stream; {block name: result}.

        Raises BlockError where a block, an edge or a worker failed. Ctrl-C stops all workers first.
        """
        run = self._started()
        try:
            while not run.finished.wait(0.1):
                pass
        except KeyboardInterrupt:
            self._halt()
            raise
        run.raise_error()
        return run.results

    def ended(self, within_s: float = 0.0) -> bool:
        """True once every worker has ended; waits for that up to `within_s` seconds."""
        return self._started().finished.wait(within_s)

    def stop(self) -> None:
        """Stop all workers and wait until nothing is left of them; frames in flight are dropped.

        Raises BlockError where something failed before, or does not stop.
        """
        self._halt().raise_error()

    @property
    def running(self) -> bool:
        """True from start until every worker has ended."""
        return self._run is not None and not self._run.finished.is_set()

    @property
    def elapsed_s(self) -> float:
        """Seconds since all workers were ready, until now or until the last one was done; 0 before."""
        run = self._started()
        return (run.ended or time.monotonic()) - run.went if run.went else 0.0

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Per block: frames, blocks, busy_s, wait_s, bytes_in, bytes_out, queue (frames waiting at its inputs), report."""
        run = self._started()
        counters = {name: dict(member.counters) for name, member in run.members.items()}
        sent: dict[int, int] = {}
        for values in counters.values():
            sent.update(values.pop("sent", {}))
        for values in counters.values():
            received = values.pop("received", {})
            values["queue"] = sum(max(0, sent.get(number, 0) - count) for number, count in received.items())
        return counters

    def draw(self, file: str | Path | None = None) -> str:
        """The graph as text; with a file name that ends in .svg or .png also as a picture."""
        lines = [(a, out, b, into, self._shape(a, out)) for a, out, b, into in self.links]
        if file is not None:
            as_picture(self.nodes, lines, Path(file))
        return as_text(lines)

    def __enter__(self) -> Flowgraph:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        run = self._halt()
        if kind is None and not run.told:
            run.raise_error()

    def _halt(self) -> Supervisor:
        run = self._started()
        run.stop()
        run.finished.wait()
        return run

    def _started(self) -> Supervisor:
        if self._run is None:
            raise ValueError("the flowgraph has not been started; call start() or run()")
        return self._run

    def _adopt(self, block: Block, where: str) -> None:
        if not isinstance(block, Block):
            raise WiringError(f'{block!r} is not a Block; pass a block, or (block, "port")')
        if block in self.nodes:
            return
        taken = {b.name for known in self.nodes for b in (known, *getattr(known, "nodes", ()))}
        if isinstance(block, Chain):
            block.rename(taken)
        block.name = name_of(block, taken)
        self.nodes.append(block)
        self._where[block.name] = where
        if isinstance(block, Chain):
            for source, out, target, into in block.links:
                self._dimensions.link(source, out, target, into, where)

    @staticmethod
    def _port(block: Block, direction: str, port: str) -> Signal:
        ports = block.outputs if direction == "output" else block.inputs
        if port not in ports:
            raise WiringError(f"{block.name} has no {direction} {port!r}; it has {', '.join(ports) or 'none'}")
        return ports[port]

    def _pairs(self, source: Block, out: str | None, target: Block, into: str | None) -> list[tuple[str, str]]:
        if out is None and into is None:
            return default_links(source, target)
        if out is None:
            out = into if into in source.outputs else next(iter(source.outputs), "")
        if into is None:
            into = out if out in target.inputs else next(iter(target.inputs), "")
        return [(out, into)]

    def _link(self, source: Block, out: str, target: Block, into: str, where: str) -> None:
        self._port(source, "output", out)
        self._port(target, "input", into)
        for other, its_out, fed, port in self.links:
            if fed is target and port == into:
                raise WiringError(
                    f"{target.name}.{into} is fed by {other.name}.{its_out} already, {source.name}.{out} would be "
                    f"a second writer (wired at {where})"
                )
        if source is target or source in self._downstream(target):
            raise WiringError(f"{source.name}.{out} -> {target.name}.{into} closes a cycle (wired at {where})")
        self._dimensions.link(_owner(source, "outputs"), out, _owner(target, "inputs"), into, where)
        self.links.append((source, out, target, into))

    def _say_who_feeds_whom(self) -> None:
        inside = (link for block in self.nodes if isinstance(block, Chain) for link in block.links)
        for source, out, target, into in (*inside, *self.links):
            fed = _owner(target, "inputs")
            fed.fed_by = {**fed.fed_by, into: f"{_owner(source, 'outputs').name}.{out}"}

    def _downstream(self, block: Block) -> list[Block]:
        found: list[Block] = []
        todo = [block]
        while todo:
            at = todo.pop()
            for source, _, target, _ in self.links:
                if source is at and target not in found:
                    found.append(target)
                    todo.append(target)
        return found

    def _shape(self, block: Block, port: str) -> Shape:
        owner = _owner(block, "outputs")
        return self._dimensions.shape(owner, owner.outputs[port])

    def _edges(self, folder: str, transport: str) -> list[Edge]:
        grouped: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for source, out, target, into in self.links:
            grouped.setdefault((source.name, target.name), []).append((out, into))
        bind = {"inproc": "inproc://edge{}", "ipc": f"ipc://{folder}/edge{{}}", "tcp": "tcp://127.0.0.1:*"}[transport]
        return [Edge(n, source, target, tuple(ports), bind.format(n)) for n, ((source, target), ports) in enumerate(grouped.items())]

    def _check(self, blocks: int | None, batch: int, transport: str, workers: str, queue: int, first: int) -> None:
        for name, value, choices in (("transport", transport, TRANSPORTS), ("workers", workers, WORKERS)):
            if value not in choices:
                raise ValueError(f"{name}={value!r} is not one of {', '.join(choices)}")
        for name, number in (("blocks", blocks), ("batch", batch), ("queue", queue)):
            if number is not None and number < 1:
                raise ValueError(f"{name}={number} has to be at least 1")
        if first < 0:
            raise ValueError(f"first={first} has to be at least 0")
        if not self.nodes:
            raise WiringError("the flowgraph is empty; connect some blocks first")
        if workers == "process":
            self._check_importable()
        for block in self.nodes:
            for port, signal in block.inputs.items():
                if not signal.optional and not any(target is block and into == port for *_, target, into in self.links):
                    raise WiringError(f"input {block.name}.{port} {signal} is not connected (wired at {self._where[block.name]})")

    def _check_importable(self) -> None:
        """Refuse classes of a notebook cell or a prompt, which no other process can import."""
        if hasattr(sys.modules["__main__"], "__file__"):
            return
        for block in (*_parts(self.nodes), *self.nodes):
            if type(block).__module__ == "__main__":
                raise ValueError(
                    f"workers='process': {type(block).__name__} is defined in a notebook cell or at a prompt, where worker processes do "
                    "not find it: define it in a file that is imported, or take workers='thread'"
                )


def _parts(blocks: Iterable[Block]) -> Iterator[Block]:
    """All blocks, those inside of chains in place of the chains."""
    for block in blocks:
        yield from _parts(block.nodes) if isinstance(block, Chain) else (block,)


def _owner(block: Block, side: str) -> Block:
    """The block that a port belongs to: for a Chain the one inside."""
    while isinstance(block, Chain):
        block = block.nodes[-1 if side == "outputs" else 0]
    return block


def _caller() -> str:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
