"""The two ends of a connection to a base station that runs elsewhere: received pilots go there, precoders come back."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path

from blocks import Signal, ZmqSink, ZmqSource

_PATIENCE_S = 30.0


def base_station_at(endpoint: str, antennas: int, users: int, curve: str | Path | None = None) -> tuple[ToBaseStation, FromBaseStation]:
    """(sink for y, source of v) for the base station that takes frames at `endpoint` and answers at `answers_at(endpoint)`.

    Frames carry the number of the run, so that answers to an earlier one, which the base station may still hold, are passed over.
    """
    run, keys = secrets.token_hex(8), None if curve is None else str(curve)
    return (
        ToBaseStation(run, endpoint, bind=False, curve=keys),
        FromBaseStation(run, answers_at(endpoint), curve=keys, v=Signal(antennas, users)),
    )


def answers_at(endpoint: str) -> str:
    """Where a base station at this endpoint sends its precoders: the next tcp port, or the ipc path with "-out" after it."""
    match = re.fullmatch(r"(tcp://.+:)(\d+)", endpoint)
    if match:
        return f"{match[1]}{int(match[2]) + 1}"
    if endpoint.startswith("ipc://"):
        return f"{endpoint}-out"
    raise ValueError(f"endpoint {endpoint!r} is neither tcp://HOST:PORT nor ipc://PATH")


class ToBaseStation(ZmqSink):
    """Sends frames marked with the run."""

    def __init__(self, run: str, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.run = run

    def work(self, index, tags, **arrays):
        super().work(index, {**tags, "run": self.run, "sent_ns": time.monotonic_ns()}, **arrays)


class FromBaseStation(ZmqSource):
    """The answers to this run, all of them or an error."""

    def __init__(self, run: str, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.run = run

    def frames(self, blocks, batch):
        done, heard_s = 0, time.monotonic()
        for frame in super().frames(None, batch):
            if frame is not None and frame.tags.get("run") == self.run:
                if frame.start != done:
                    raise RuntimeError(f"the base station left out coherence blocks {done} ... {frame.start - 1}: see its log")
                done, heard_s, frame.born_ns = done + frame.count, time.monotonic(), frame.tags["sent_ns"]
                yield frame
                if done >= blocks:
                    return
                continue
            if not self._outside.peers.came:  # it is not there yet
                heard_s = time.monotonic()
            if time.monotonic() - heard_s > _PATIENCE_S:
                raise RuntimeError(
                    f"the base station at {self.endpoint} has not answered for {_PATIENCE_S:.0f} s; blocks from {done} on are missing"
                )
            yield None

    def heard(self, refusal):
        if refusal.run == self.run:
            raise RuntimeError(
                f"the base station at {self.endpoint} refuses: {refusal.reason}; it and this program have to have the same antennas, "
                "users and pilots"
            )
