"""Sources, sinks and random numbers of tests. Worker processes import them, so that this file does without torch."""

import numpy as np

from blocks.testing import ArraySource, Collect

__all__ = ["ArraySource", "Collect", "FrameSource", "complex_normal"]


def complex_normal(rng, *shape):
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(np.complex64)


class FrameSource(ArraySource):
    """Sends frames as they are given."""

    def __init__(self, *given):
        super().__init__(**given[0].arrays)
        self.given = given

    def frames(self, blocks, batch):
        yield from self.given
