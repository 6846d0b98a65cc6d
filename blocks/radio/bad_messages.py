"""What a source does with messages it cannot read: count them, tell of them, and go on."""
import logging
import time

_log = logging.getLogger("calibeam")
_EVERY_S = 1.0


class BadMessages:
    """Counts unreadable messages and logs a warning for the first, then at most one a second with the count."""

    def __init__(self, where: str):
        self.where, self.count, self._next = where, 0, 0.0

    def add(self, error: Exception) -> None:
        """One more."""
        self.count += 1
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_S
            _log.warning("%s: dropped a message (%d so far): %s", self.where, self.count, error)
