"""The asking side of a REQ/REP exchange, which goes on when the answering side dies and returns."""

from __future__ import annotations

import zmq

from blocks.runtime.sockets import POLL_MS, OutsideSocket


class Requests:
    """Keeps one request out, and sends it anew when the peer that had it is gone and has not answered.

    A REQ socket would wait for ever for the reply of a dead peer. A DEALER that speaks its envelope (an empty part first) is
    the same to the peer; only a lost connection makes it ask again, so that a slow peer's reply is never thrown away. Its socket must
    not be `immediate`: ZeroMQ would drop unread replies with the connection.
    """

    def __init__(self, outside: OutsideSocket):
        self._outside, self._peers = outside, outside.peers
        self._out, self._left = False, 0

    def ask(self, request: bytes) -> list[zmq.Frame] | None:
        """The parts of the next reply, or None where none came yet."""
        self._peers.count()
        gone = self._peers.left != self._left
        if self._out and gone:
            parts = self._outside.receive(wait=False)  # what a peer answered before it left is here by now
            self._out = False
            if parts is not None:
                return parts[1:]
        if not self._out:
            self._left = self._peers.left
            try:
                self._outside.socket.send_multipart([b"", request], zmq.NOBLOCK)
            except zmq.Again:
                self._peers.wait(POLL_MS)
                self._peers.look()
                return None
            self._out = True
        parts = self._outside.receive()
        if parts is None:
            return None
        self._out = False
        return parts[1:]
