"""Who is connected to a socket, and a word where nobody is."""

from __future__ import annotations

import logging
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

_log = logging.getLogger("calibeam")
_FAILED = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_EVENTS = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | _FAILED
_LOOK_EVERY_S = 0.05
_PATIENCE_S = 2.0


class Peers:
    """Counts the peers of a socket.

    waiting: what is waited for and where, e.g. "ZmqSource waits for a sender at tcp://127.0.0.1:5555". It is logged as a warning where
    `look` finds nobody for two seconds, once, and once more when somebody came.
    """

    def __init__(self, socket: zmq.Socket[bytes], waiting: str):
        self._socket, self._waiting = socket, waiting
        self._events = socket.get_monitor_socket(_EVENTS)
        self.came = self.left = self._refused = 0
        self._alone_since, self._next = time.monotonic(), 0.0
        self._came_before: int | None = None  # how many had come when it was said that nobody is there

    def look(self) -> None:
        """Take note of who came and left, and say so where nobody is there; does nothing if it did within the last 50 ms."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK_EVERY_S
        self._say_that_somebody_came()
        if self.came > self.left:
            self._alone_since = now
        elif self._came_before is None and now - self._alone_since > _PATIENCE_S:
            self._came_before = self.came
            _log.warning("%s: nobody is connected", self._waiting)

    def _say_that_somebody_came(self) -> None:
        self.count()
        if self._came_before is not None and self.came > self._came_before:
            self._came_before, self._alone_since = None, time.monotonic()
            _log.warning("%s: it is there", self._waiting)

    def count(self) -> None:
        """Take note of who came and left."""
        while self._events.poll(0):
            event = recv_monitor_message(self._events)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.came += 1
            elif event != zmq.EVENT_DISCONNECTED:
                self._refused += 1  # its disconnection follows
            elif self._refused:
                self._refused -= 1
            else:
                self.left = min(self.left + 1, self.came)

    def wait(self, timeout_ms: int) -> None:
        """Wait until somebody comes or leaves."""
        self._events.poll(timeout_ms)

    def close(self) -> None:
        """Stop counting."""
        self._say_that_somebody_came()
        self._socket.disable_monitor()
        self._events.close(0)
