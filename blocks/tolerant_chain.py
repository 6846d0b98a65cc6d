"""A chain that outlives what it cannot compute."""
from __future__ import annotations

import numpy as np

from blocks.runtime import Chain
from blocks.runtime.bad_messages import BadMessages
from blocks.runtime.block import as_array


class TolerantChain(Chain):
    """A Chain for a receiver that must not stop: coherence blocks on which a block fails, or whose output is not finite, are left out.

    They are counted as "unusable_blocks" and logged, at most once a second; the index jumps over them. Only arithmetic is forgiven
    (ValueError, ArithmeticError), and its blocks have to turn every frame into one.
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
                continue
            whole = self._one(frame, note=False)
            if whole is not None:
                yield whole
                continue
            while frame is not None:
                single, frame = frame.split(1)
                made = self._one(single, note=True)
                if made is not None:
                    yield made

    def _one(self, frame, note):
        try:
            with np.errstate(all="ignore"):
                [made] = super().transform(iter([frame]))
            if all(np.isfinite(as_array(array)).all() for array in made.arrays.values()):
                return made
            raise ValueError("its output is not finite")
        except (ValueError, ArithmeticError) as error:
            if note:
                self._bad.add(error)
            return None
