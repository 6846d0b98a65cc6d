"""The asking side of a REQ/REP exchange, which goes on when the answering side dies and returns."""

from __future__ import annotations

import zmq
from zmq.utils.monitor import recv_monitor_message

from blocks.runtime.sockets import POLL_MS, OutsideSocket


class Requests:
    """Keeps one request out, and sends it anew when the peer that had it is gone.

    A REQ socket would wait for ever for the reply of a dead peer. A DEALER that speaks its envelope (an empty part first) is
    the same to the peer; only a lost connection makes it ask again, so that a slow peer's reply is never thrown away.
    """

    def __init__(self, outside: OutsideSocket):
        self._outside, self._socket = outside, outside.socket
        self._events = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._out = False

    def ask(self, request: bytes) -> list[zmq.Frame] | None:
        """The parts of the next reply, or None where none came yet."""
        while self._events.poll(0):
            recv_monitor_message(self._events)
            self._out = False
        if not self._out:
            try:
                self._socket.send_multipart([b"", request], zmq.NOBLOCK)
            except zmq.Again:
                self._events.poll(POLL_MS)
                return None
            self._out = True
        parts = self._outside.receive()
        if parts is None:
            return None
        self._out = False
        return parts[1:]

    def close(self) -> None:
        """Stop watching the connection."""
        self._socket.disable_monitor()
        self._events.close(0)
