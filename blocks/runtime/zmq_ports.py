"""Blocks that speak the wire format to a program that someone else wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import zmq

from blocks.runtime.bad_messages import BadMessages
from blocks.runtime.block import Block, Signal, checked_arrays
from blocks.runtime.errors import WireError
from blocks.runtime.frame import Frame
from blocks.runtime.refusal import Refusal
from blocks.runtime.sockets import OutsideSocket, check_endpoint
from blocks.runtime.wire import END, Marker, decode, encode, encode_end, encode_error, encode_refusal

_LINGER_MS = 30_000


class ZmqSource(Block):
    """Frames from a PUSH socket elsewhere, until its end-of-stream message (or the flowgraph's number of blocks).

    Out:  one port per keyword, e.g. ZmqSource("tcp://127.0.0.1:5555", h_est=Signal(64, 8))

    endpoint: tcp:// or ipc://; bind: False connects (the sink binds); insecure, curve: see OutsideSocket. A message that is
    malformed, or carries other arrays, stops the flowgraph with an error that names the endpoint. With endless=True it is counted
    and logged instead (and refused where a tag "run" says whose it is), and the stream goes on after the end of a sender, for the next
    one. The format is in blocks/runtime/wire.py.
    """

    outside = True

    def __init__(
        self, endpoint: str, bind: bool = False, insecure: bool = False, curve: str | None = None, endless: bool = False, **outputs: Signal
    ):
        if not outputs:
            raise ValueError(f"ZmqSource({endpoint!r}) needs the arrays to expect, e.g. h_est=Signal(64, 8)")
        check_endpoint(endpoint, bind, insecure or curve is not None)
        self.endpoint, self.bind, self.insecure, self.curve, self.outputs = endpoint, bind, insecure, curve, outputs
        self.endless = endless
        self._shapes = {
            name: None if s.any_shape else tuple(dim if isinstance(dim, int) else None for dim in s.dims) for name, s in outputs.items()
        }

    def start(self) -> None:
        self._bad = BadMessages(f"{self.name} at {self.endpoint}")
        waiting = f"{self.name} waits for a sender"
        self._outside = OutsideSocket(zmq.PULL, self.endpoint, self.bind, self.insecure, self.curve, waiting)

    def stop(self) -> None:
        if hasattr(self, "_outside"):
            self._outside.close()
            del self._outside

    def report(self) -> dict[str, Any]:
        return {"bad_messages": self._bad.count} if self.endless and hasattr(self, "_bad") else {}

    def frames(self, blocks: int | None, batch: int) -> Iterator[Frame | None]:
        done = 0
        while blocks is None or done < blocks:
            parts = self._outside.receive()
            if parts is None:
                yield None
                continue
            message: Frame | Marker | Refusal | None = None
            try:
                message = decode([part.buffer for part in parts])
                if isinstance(message, Refusal):
                    self.heard(message)
                elif isinstance(message, Frame):
                    self._check(message)
            except (WireError, TypeError) as error:
                if not self.endless:
                    raise WireError(f"malformed message on edge {self.endpoint} -> {self.name}: {error}") from None
                self._bad.add(error)
                if isinstance(message, Frame):
                    self.refuse(message.tags, str(error))
                message = None
            if message is END and not self.endless:
                return
            if not isinstance(message, Frame):
                yield None
                continue
            frame = message if blocks is None else message.split(min(message.count, blocks - done))[0]
            done += frame.count
            yield frame

    def heard(self, refusal: Refusal) -> None:
        """The other side refused the frames of a run. Raises WireError: this source has sent none."""
        raise WireError(f"the sender refuses the frames of run {refusal.run}: {refusal.reason}")

    def _check(self, frame: Frame) -> None:
        if frame.arrays.keys() != self.outputs.keys():
            raise WireError(f"it carries {', '.join(frame.arrays) or 'no arrays'}, expected {', '.join(self.outputs)}")
        checked_arrays(self, frame.arrays, self._shapes, frame.count)
        frame.born_ns = 0  # of another clock


class ZmqSink(Block):
    """Frames to a PULL socket elsewhere, then an end-of-stream message (or an error message where the flowgraph failed).

    In:   whatever is connected to it; the arrays keep their port names

    endpoint: tcp:// or ipc://; bind: True binds (the source connects); insecure, curve: see OutsideSocket. Waits while nobody is
    there to receive, and says so in the log.
    """

    outside = True

    def __init__(self, endpoint: str, bind: bool = True, insecure: bool = False, curve: str | None = None):
        check_endpoint(endpoint, bind, insecure or curve is not None)
        self.endpoint, self.bind, self.insecure, self.curve, self.inputs = endpoint, bind, insecure, curve, {}

    def offer(self, ports: dict[str, Signal]) -> None:
        self.inputs = {**self.inputs, **ports}

    def start(self) -> None:
        self._ended = False
        waiting = f"{self.name} waits for a receiver"
        self._outside = OutsideSocket(zmq.PUSH, self.endpoint, self.bind, self.insecure, self.curve, waiting)

    def work(self, index: range, tags: dict[str, Any], **arrays: Any) -> None:
        self._outside.send(encode(Frame(index.start, arrays, tags, len(index), time.monotonic_ns())), self.interrupted)
        self._outside.peers.look()

    def refused(self, refusal: Refusal) -> None:
        self._outside.send(encode_refusal(refusal), self.interrupted)

    def end(self) -> None:
        self._ended = self._outside.send(encode_end(), self.interrupted) and self._outside.met(self.interrupted)

    def stop(self) -> None:
        if not hasattr(self, "_outside"):
            return
        if not self._ended:
            self._outside.send(encode_error("the sending flowgraph was stopped before its end"), lambda: True)
        self._outside.close(_LINGER_MS if self._ended else 500)
        del self._outside
