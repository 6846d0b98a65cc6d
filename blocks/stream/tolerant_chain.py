"""A chain that outlives what it cannot compute."""

from __future__ import annotations

import numpy as np

from blocks.runtime import Chain
from blocks.runtime.bad_messages import BadMessages
from blocks.runtime.block import as_array


class TolerantChain(Chain):
    """A Chain for a receiver that must not stop: coherence blocks on which a block fails, or whose output holds NaN or infinity, are
    left out.

    They are counted as "unusable_blocks", logged at most once a second, and refused where a tag "run" says whose they are; the index jumps
    over them. Only arithmetic is forgiven (ValueError, ArithmeticError), and its blocks have to turn every frame into one.
    """

    gathers = 64

    def start(self):
        super().start()
        self._bad = BadMessages(self.name, "a coherence block")

    def report(self):
        return {**super().report(), **({"unusable_blocks": self._bad.count} if hasattr(self, "_bad") else {})}

    def transform(self, frames):
        for frame in frames:
            if frame is None:
                yield None
            else:
                yield from self._usable(frame)

    def _usable(self, frame):
        """The frame through the chain; where that fails its halves, down to the single blocks to blame."""
        try:
            return [self._through(frame)]
        except (ValueError, ArithmeticError) as error:
            if frame.count == 1:
                self._bad.add(error)
                self.refuse(frame.tags, f"coherence block {frame.start} cannot be used: {error}")
                return []
        first, second = frame.split(frame.count // 2)
        return [*self._usable(first), *self._usable(second)]

    def _through(self, frame):
        with np.errstate(all="ignore"):
            [made] = [made for made in super().transform(iter([frame])) if made is not None]
        if not all(np.isfinite(as_array(array)).all() for array in made.arrays.values()):
            raise ValueError("its output holds NaN or infinity")
        return made
