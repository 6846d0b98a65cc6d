"""What the sinks that feed other radio software have in common."""

from __future__ import annotations

import zmq

from blocks.runtime import Block
from blocks.runtime.sockets import OutsideSocket, check_endpoint

_SOCKETS = {"push": zmq.PUSH, "pub": zmq.PUB, "rep": zmq.REP}
_LINGER_MS = 2_000


class Outlet(Block, abstract=True):
    """A sink that sends messages to a PULL, SUB or REQ socket elsewhere.

    "push" and "rep" wait for a slow or absent receiver and lose nothing; "pub" never waits and drops what a slow receiver does not take,
    as ZeroMQ does.
    """

    outside = True

    def __init__(self, endpoint: str, socket: str, key: str, bind: bool, insecure: bool, curve: str | None):
        if socket not in _SOCKETS:
            raise ValueError(f"socket={socket!r} is not one of {', '.join(_SOCKETS)}")
        if key and socket != "pub":
            raise ValueError(f"key={key!r} needs socket='pub'")
        check_endpoint(endpoint, bind, insecure or curve is not None)
        self.endpoint, self.kind, self.key, self.bind, self.insecure, self.curve = endpoint, socket, key.encode(), bind, insecure, curve

    def start(self):
        self._ended = False
        waiting = f"{self.name} waits for a receiver"
        self._outside = OutsideSocket(_SOCKETS[self.kind], self.endpoint, self.bind, self.insecure, self.curve, waiting)

    def end(self):
        self._ended = True

    def stop(self):
        if hasattr(self, "_outside"):
            self._outside.close(_LINGER_MS if self._ended else 0)
            del self._outside

    def requested(self) -> bytes | None:
        """The next request of a "rep" sink, or None where the flowgraph wants to stop."""
        while not self.interrupted():
            parts = self._outside.receive()
            if parts is not None:
                return parts[-1].bytes
        return None

    def send(self, payload) -> None:
        """Send one message, with the key before it; waits while the receiver is slow, until the flowgraph wants to stop."""
        self._outside.send([self.key, payload] if self.key else [payload], self.interrupted, copy=isinstance(payload, bytes))
