"""What a receiver does with input that it cannot use: count it, tell of it, and go on."""

import logging
import time

_log = logging.getLogger("calibeam")
_EVERY_S = 1.0


class BadMessages:
    """Counts what was dropped and logs a warning for the first, then at most one a second with the count."""

    def __init__(self, where: str, what: str = "a message"):
        self.where, self.what, self.count, self._next = where, what, 0, 0.0

    def add(self, error: Exception) -> None:
        """One more."""
        self.count += 1
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_S
            _log.warning("%s: dropped %s (%d so far): %s", self.where, self.what, self.count, error)
