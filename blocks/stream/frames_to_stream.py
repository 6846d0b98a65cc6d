"""Coherence blocks into sample streams."""

from blocks.radio.stream_tags import NAME, add_stream_tags, stream_tags
from blocks.runtime import Block, Signal
from blocks.runtime.frame import Frame
from blocks.stream.sample_buffer import antenna_signal


class FramesToStream(Block):
    """The samples of consecutive coherence blocks, one after the other: the inverse of StreamToFrames.

    In:   y        (M, T) complex64
    Out:  samples  (M,) or () complex64   the leading axis counts items; sample t of block b has the index b T + t

    antennas: M; symbols: T; layout: as in StreamToFrames. A block's stream tags go to its first sample.
    """

    def __init__(self, antennas: int, symbols: int, layout: str = "vector"):
        if symbols < 1:
            raise ValueError(f"symbols={symbols} has to be at least 1")
        self.inputs = {"y": Signal("M", "L")}
        self.outputs = {"samples": antenna_signal(antennas, layout)}
        self.antennas, self.symbols = antennas, symbols

    def dims(self):
        return {"M": self.antennas, "L": self.symbols}

    def transform(self, frames):
        per_item = self.antennas if self.outputs["samples"].dims else 1
        items = self.antennas * self.symbols // per_item
        for frame in frames:
            if frame is None:
                yield None
                continue
            samples = frame.arrays["y"].swapaxes(1, 2).reshape(frame.count * items, *((per_item,) if per_item > 1 else ()))
            made = Frame(
                frame.start * items, {"samples": samples}, {n: v for n, v in frame.tags.items() if n != NAME}, len(samples), frame.born_ns
            )
            add_stream_tags(made.tags, [tag.moved(tag.offset * items) for tag in stream_tags(frame.tags, frame.index)])
            yield made
