"""A run of consecutive coherence blocks on its way through a flowgraph."""

from __future__ import annotations

from typing import Any

import numpy as np


class Frame:
    """Arrays of the coherence blocks start ... start + count - 1, leading axis count, with the tags that follow them.

    born_ns: monotonic time at which the source made the frame; 0 where unknown.
    """

    __slots__ = ("arrays", "born_ns", "count", "start", "tags")

    def __init__(self, start: int, arrays: dict[str, Any], tags: dict[str, Any] | None = None, count: int | None = None, born_ns: int = 0):
        self.start, self.arrays, self.tags, self.born_ns = start, arrays, tags or {}, born_ns
        self.count = len(next(iter(arrays.values()))) if count is None else count

    @property
    def index(self) -> range:
        """The coherence-block indices."""
        return range(self.start, self.start + self.count)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays.values())

    def continues(self, earlier: Frame) -> bool:
        """True where the two may be joined: this one begins where the other ended, and tags that are no lists are the same."""
        plain, other = ({name: value for name, value in frame.tags.items() if not isinstance(value, list)} for frame in (self, earlier))
        return self.start == earlier.start + earlier.count and plain == other

    @classmethod
    def joined(cls, frames: list[Frame]) -> Frame:
        """One frame of several that continue each other; lists among their tags are joined."""
        first = frames[0]
        if len(frames) == 1:
            return first
        tags: dict[str, Any] = {}
        for name, value in (item for frame in frames for item in frame.tags.items()):
            tags[name] = tags[name] + value if isinstance(value, list) and name in tags else value
        arrays = {name: np.concatenate([frame.arrays[name] for frame in frames]) for name in first.arrays}
        return cls(first.start, arrays, tags, sum(frame.count for frame in frames), first.born_ns)

    def split(self, count: int) -> tuple[Frame, Frame | None]:
        """The first `count` blocks and the rest (None where nothing is left)."""
        if count == self.count:
            return self, None
        head = {name: array[:count] for name, array in self.arrays.items()}
        tail = {name: array[count:] for name, array in self.arrays.items()}
        return (
            Frame(self.start, head, dict(self.tags), count, self.born_ns),
            Frame(self.start + count, tail, dict(self.tags), self.count - count, self.born_ns),
        )
