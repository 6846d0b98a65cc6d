"""The loop that runs one block: receive, work, send, until the stream ends or the flowgraph says stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import zmq

from blocks.runtime.block import checked_arrays
from blocks.runtime.control import pack, unpack
from blocks.runtime.counters import Counters
from blocks.runtime.errors import WireError
from blocks.runtime.failure import failure
from blocks.runtime.frame import Frame
from blocks.runtime.refusal import Refusal
from blocks.runtime.wire import END, Marker, decode, encode, encode_end, encode_refusal
from blocks.runtime.worker_spec import Edge, WorkerSpec

_REPORT_EVERY_S = 0.2
_LOOK_EVERY_S = 0.005


class Stopped(Exception):
    """The flowgraph asked this worker to stop."""


class Worker:
    """Runs one block in the calling thread; talks to the flowgraph over a DEALER socket."""

    def __init__(self, spec: WorkerSpec, context: zmq.Context[zmq.Socket[bytes]], control_endpoint: str):
        self.spec, self.block, self.context = spec, spec.block, context
        self.counters = Counters()
        self.phase = "start"
        self.index: tuple[int, int] | None = None
        self.control = context.socket(zmq.DEALER)
        self.control.identity = str(spec.number).encode()
        self.control.connect(control_endpoint)
        self.inputs: dict[Edge, zmq.Socket[bytes]] = {}
        self.outputs: dict[Edge, zmq.Socket[bytes]] = {}
        self.ahead: dict[Edge, Frame | Marker] = {}
        self.refused: Refusal | None = None
        self.stopping = False
        self.last_report = self.next_look = 0.0
        self.unreported = False

    def run(self) -> None:
        """Run the block from start to stop and tell the flowgraph how it ended."""
        failed: dict[str, Any] | None = None
        try:
            self._start()
            self._stream()
            self.phase = "end"
            self.block.end()
            for edge in self.outputs:
                self._send(edge, encode_end())
        except Stopped:
            pass
        except BaseException as error:
            failed = self._failure(error)
        try:
            self.block.stop()
        except BaseException as error:
            self.phase, self.index = "stop", None
            failed = failed or self._failure(error)
        self.control.send(self._last_message(failed))
        self._close()

    def interrupted(self) -> bool:
        """True once the flowgraph asked this worker to stop; looks every few milliseconds, since a look costs a switch of threads."""
        now = time.monotonic()
        if self.stopping or now < self.next_look:
            return self.stopping
        self.next_look = now + _LOOK_EVERY_S
        if self.control.poll(0):
            self.stopping = unpack(self.control.recv())["kind"] == "stop"
        return self.stopping

    def _start(self) -> None:
        endpoints = {}
        for edge in self.spec.inputs:
            socket = self.inputs[edge] = self.context.socket(zmq.PULL)
            socket.rcvhwm = self.spec.queue
            socket.bind(edge.bind)
            endpoints[edge.number] = bytes(socket.getsockopt(zmq.LAST_ENDPOINT)).decode().rstrip("\0")
        self.block.interrupted, self.block.refuse = self.interrupted, self._refuse
        self.block.start()
        self.control.send(pack({"kind": "ready", "endpoints": endpoints}))
        answer = unpack(self.control.recv())
        if answer["kind"] != "go":
            raise Stopped
        for edge in self.spec.outputs:
            socket = self.outputs[edge] = self.context.socket(zmq.PUSH)
            socket.sndhwm = self.spec.queue
            socket.connect(answer["endpoints"][edge.number])

    def _stream(self) -> None:
        c = self.counters
        made = self.block.transform(self._joined_frames()) if self.inputs else self.block.frames(self.spec.blocks, self.spec.batch)
        while True:
            began, born, waited = time.monotonic(), time.monotonic_ns(), c.wait_s
            self.phase, self.index = "work", None
            frame = next(made, END)
            if self.interrupted():
                raise Stopped
            if frame is END:
                return
            if frame is not None:
                self._emit(frame, born)
                c.frames += 1
                c.blocks += frame.count
            c.busy_s += time.monotonic() - began - (c.wait_s - waited)
            self.unreported = True
            self._report()

    def _emit(self, frame: Frame, born: int) -> None:
        arrays = checked_arrays(self.block, frame.arrays, self.spec.shapes, frame.count)
        frame.born_ns = frame.born_ns or born
        self.phase = "send"
        for edge in self.outputs:
            outgoing = Frame(frame.start, {into: arrays[out] for out, into in edge.ports}, frame.tags, frame.count, frame.born_ns)
            self.counters.bytes_out += outgoing.nbytes
            self._send(edge, encode(outgoing))
            self.counters.sent[edge.number] = self.counters.sent.get(edge.number, 0) + 1
        if not self.outputs and frame.born_ns:
            self.counters.latencies_ms.append((time.monotonic_ns() - frame.born_ns) / 1e6)

    def _joined_frames(self) -> Iterator[Frame | None]:
        """Frames with the arrays of all inputs, cut so that every input's frame covers the same coherence blocks."""
        pending: dict[Edge, Frame] = {}
        while True:
            self.phase = "receive"
            ended = []
            for edge in self.inputs:
                if edge not in pending:
                    message = self._receive(edge)
                    if message is END:
                        ended.append(edge)
                    else:
                        pending[edge] = self._gathered(edge, message)
            if ended and pending:
                edge, frame = next(iter(pending.items()))
                raise WireError(f"edge {ended[0]} ended, edge {edge} still carries block {frame.start}")
            if ended:
                return
            starts = {frame.start for frame in pending.values()}
            if len(starts) > 1:
                carried = ", ".join(f"{edge}: block {frame.start}" for edge, frame in pending.items())
                raise WireError(f"the inputs are out of step ({carried})")
            count = min(frame.count for frame in pending.values())
            joined = Frame(starts.pop(), {}, {}, count)
            for edge in self.inputs:
                head, rest = pending.pop(edge).split(count)
                if rest is not None:
                    pending[edge] = rest
                joined.arrays.update(head.arrays)
                joined.tags.update(head.tags)
                joined.born_ns = min(filter(None, (joined.born_ns, head.born_ns)), default=0)
            self.phase, self.index = "work", (joined.start, joined.start + joined.count - 1)
            yield joined
            self._report()
            if self.interrupted():
                raise Stopped

    def _refuse(self, tags: dict[str, Any], reason: str) -> None:
        refusal = Refusal.of(tags, reason)
        if refusal is not None and (self.refused is None or self.refused.run != refusal.run):
            self.refused = refusal
            self._pass_on(refusal)

    def _pass_on(self, refusal: Refusal) -> None:
        for edge in self.outputs:
            self._send(edge, encode_refusal(refusal))
        if not self.outputs:
            self.block.refused(refusal)

    def _gathered(self, edge: Edge, frame: Frame) -> Frame:
        frames, count = [frame], frame.count
        while count < self.block.gathers:
            try:
                message = self._decoded(edge, self.inputs[edge].recv_multipart(zmq.NOBLOCK, copy=False))
            except zmq.Again:
                break
            if isinstance(message, Refusal):
                self._pass_on(message)
                continue
            if message is END or not message.continues(frames[-1]):
                self.ahead[edge] = message
                break
            frames.append(message)
            count += message.count
        return Frame.joined(frames)

    def _receive(self, edge: Edge) -> Frame | Marker:
        if edge in self.ahead:
            return self.ahead.pop(edge)
        while True:
            message = self._decoded(edge, self._parts(self.inputs[edge]))
            if not isinstance(message, Refusal):
                return message
            self._pass_on(message)

    def _parts(self, socket: zmq.Socket[bytes]) -> list[zmq.Frame]:
        began = time.monotonic()
        while True:
            try:
                parts = socket.recv_multipart(zmq.NOBLOCK, copy=False)
                break
            except zmq.Again:
                self._wait(socket, zmq.POLLIN)
        self.counters.wait_s += time.monotonic() - began
        return parts

    def _decoded(self, edge: Edge, parts: list[zmq.Frame]) -> Frame | Marker | Refusal:
        try:
            frame = decode([part.buffer for part in parts])
        except WireError as error:
            raise WireError(f"malformed message on edge {edge}: {error}") from None
        if not isinstance(frame, Frame):
            return frame
        if frame.arrays.keys() != {into for _, into in edge.ports}:
            raise WireError(f"malformed message on edge {edge}: it carries {', '.join(frame.arrays) or 'no arrays'}")
        self.counters.bytes_in += frame.nbytes
        self.counters.received[edge.number] = self.counters.received.get(edge.number, 0) + 1
        return frame

    def _send(self, edge: Edge, parts: list[Any]) -> None:
        socket = self.outputs[edge]
        began = time.monotonic()
        while True:
            try:
                socket.send_multipart(parts, zmq.NOBLOCK, copy=False)
                break
            except zmq.Again:
                self._wait(socket, zmq.POLLOUT)
        self.counters.wait_s += time.monotonic() - began

    def _wait(self, socket: zmq.Socket[bytes], event: int) -> None:
        poller = zmq.Poller()
        poller.register(socket, event)
        poller.register(self.control, zmq.POLLIN)
        while not poller.poll(int(1000 * _REPORT_EVERY_S) if self.unreported else None):
            self._report()
        if self.interrupted():
            raise Stopped

    def _report(self) -> None:
        now = time.monotonic()
        if now - self.last_report > _REPORT_EVERY_S:
            self.last_report, self.unreported = now, False
            self.control.send(pack({"kind": "counters", "counters": self._counters()}))

    def _counters(self) -> dict[str, Any]:
        try:
            report = self.block.report()
            pack(report)
        except BaseException:
            self.phase, self.index = "report", None
            raise
        return {**self.counters.snapshot(), "report": report}

    def _last_message(self, failed: dict[str, Any] | None) -> bytes:
        if failed is None:
            try:
                self.phase, self.index = "result", None
                return pack({"kind": "done", "results": self.block.results(), "counters": self._counters()})
            except BaseException as error:
                failed = self._failure(error)
        try:
            return pack({**failed, "counters": self._counters()})
        except BaseException:  # the first failure counts
            return pack(failed)

    def _failure(self, error: BaseException) -> dict[str, Any]:
        return failure(error, self.block.name, self.phase, self.index)

    def _close(self) -> None:
        """Keep the sockets until the flowgraph says that everybody is done, so that nothing in flight is lost."""
        while not self.stopping and unpack(self.control.recv())["kind"] == "go":
            pass
        for socket in (*self.inputs.values(), *self.outputs.values()):
            socket.close(linger=0)
        self.control.close(linger=1000)
