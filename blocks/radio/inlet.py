"""What the sources that listen to other radio software have in common."""

from __future__ import annotations

import struct
from typing import Any

import zmq

from blocks.radio.requests import Requests
from blocks.runtime import Block
from blocks.runtime.bad_messages import BadMessages
from blocks.runtime.frame import Frame
from blocks.runtime.sockets import OutsideSocket, check_endpoint

_SOCKETS = {"pull": zmq.PULL, "sub": zmq.SUB, "req": zmq.DEALER}
_RECEIVE_QUEUE = 100
_MERGED_BYTES = 1 << 18


class Inlet(Block, abstract=True):
    """A source that turns each message of a PUSH, PUB or REP socket elsewhere into a frame.

    A message that cannot be read is counted, logged and dropped. The stream has no end: stop the flowgraph, or run it for a number of
    items. Where the sender dies and returns, the stream goes on.
    """

    outside = True
    request = struct.pack("<I", 1)
    merges = False

    def __init__(self, endpoint: str, socket: str, key: str, bind: bool, insecure: bool, curve: str | None):
        if socket not in _SOCKETS:
            raise ValueError(f"socket={socket!r} is not one of {', '.join(_SOCKETS)}")
        if key and socket != "sub":
            raise ValueError(f"key={key!r} needs socket='sub'")
        check_endpoint(endpoint, bind, insecure or curve is not None)
        self.endpoint, self.kind, self.key, self.bind, self.insecure, self.curve = endpoint, socket, key.encode(), bind, insecure, curve

    def start(self):
        options: dict[str, Any] = {"subscribe": self.key} if self.kind == "sub" else {}
        self._outside = OutsideSocket(
            _SOCKETS[self.kind],
            self.endpoint,
            self.bind,
            self.insecure,
            self.curve,
            f"{self.name} waits for a sender",
            rcvhwm=_RECEIVE_QUEUE,
            **options,
        )
        self._requests = Requests(self._outside) if self.kind == "req" else None
        self._bad = BadMessages(f"{self.name} at {self.endpoint}")

    def stop(self):
        if hasattr(self, "_requests"):
            self._outside.close()
            del self._outside, self._requests

    def report(self):
        return {"bad_messages": self._bad.count} if hasattr(self, "_bad") else {}

    def frame(self, payload: memoryview, position: int) -> Frame | None:
        """The frame in a message's last part; `position` is the index after the last frame. Raises ValueError for a bad message."""
        raise NotImplementedError

    def frames(self, blocks, batch):
        """Where `merges` is set, messages that wait already and continue each other become one frame: a slow flowgraph gets larger ones."""
        done, position, ahead = 0, 0, None
        while blocks is None or done < blocks:
            frame, ahead = (ahead or self._next(position)), None
            if frame is None:
                yield None
                continue
            merged, count, size = [frame], frame.count, frame.nbytes
            while self.merges and size < _MERGED_BYTES:
                ahead = self._next(frame.start + count, wait=False)
                if ahead is None or not ahead.continues(merged[-1]):
                    break
                merged.append(ahead)
                count, size, ahead = count + ahead.count, size + ahead.nbytes, None
            frame = Frame.joined(merged)
            if blocks is not None:
                frame, _ = frame.split(min(frame.count, blocks - done))
            done, position = done + frame.count, frame.start + frame.count
            yield frame

    def _next(self, position, wait=True):
        parts = self._receive(wait)
        try:
            return None if parts is None else self.frame(self._payload(parts), position)
        except ValueError as error:
            self._bad.add(error)
            return None

    def _receive(self, wait):
        if self._requests is not None:
            return self._requests.ask(self.request) if wait else None
        return self._outside.receive(wait)

    def _payload(self, parts):
        expected = 2 if self.key else 1
        if len(parts) != expected:
            raise ValueError(
                f"a message of {len(parts)} parts, expected {expected}: a key needs key= on both sides, and tags travel in "
                "the payload's own part"
            )
        return parts[-1].buffer
