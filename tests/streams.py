"""Sources and sinks of tests. Worker processes import them, so that this file does without torch."""

import numpy as np

from blocks import Block, Signal


def complex_normal(rng, *shape):
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(np.complex64)


class ArraySource(Block):
    """Sends given arrays, one port each."""

    def __init__(self, **arrays):
        self.arrays = arrays
        self.outputs = {name: Signal(*a.shape[1:], dtype=a.dtype.str) for name, a in arrays.items()}

    def work(self, index):
        return {name: a[index.start : index.stop] for name, a in self.arrays.items()}


class FrameSource(ArraySource):
    """Sends frames as they are given."""

    def __init__(self, *given):
        super().__init__(**given[0].arrays)
        self.given = given

    def frames(self, blocks, batch):
        yield from self.given


class Collect(Block):
    """Keeps everything that it gets."""

    def __init__(self):
        self.inputs = {}

    def offer(self, ports):
        self.inputs = {**self.inputs, **ports}

    def start(self):
        self.kept, self.starts, self.tags = {}, [], []

    def work(self, index, tags, **arrays):
        self.starts.append(index.start)
        self.tags.append(dict(tags))
        for name, array in arrays.items():
            self.kept.setdefault(name, []).append(array.copy())

    def result(self):
        return {"arrays": {n: np.concatenate(a) for n, a in self.kept.items()}, "starts": self.starts, "tags": self.tags}
