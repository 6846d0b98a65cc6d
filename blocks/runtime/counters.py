"""What a worker counts while it runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_LATENCIES = 20_000


@dataclass
class Counters:
    """Frames, blocks, bytes and seconds of one worker, and the frames that crossed each of its edges."""

    frames: int = 0
    blocks: int = 0
    busy_s: float = 0.0
    wait_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    received: dict[int, int] = field(default_factory=dict)
    sent: dict[int, int] = field(default_factory=dict)
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))

    def snapshot(self) -> dict[str, Any]:
        """A msgpack-able copy; a sink's also has the median and the 99th percentile of the frames' latency in ms."""
        values: dict[str, Any] = {
            "frames": self.frames,
            "blocks": self.blocks,
            "busy_s": self.busy_s,
            "wait_s": self.wait_s,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "received": dict(self.received),
            "sent": dict(self.sent),
        }
        if self.latencies_ms:
            p50, p99 = np.percentile(np.array(self.latencies_ms), (50, 99))
            values["latency_ms"] = {"p50": float(p50), "p99": float(p99)}
        return values
