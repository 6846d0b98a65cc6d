"""Sample streams into coherence blocks."""

from blocks.radio.stream_tags import NAME, StreamTag, add_stream_tags, stream_tags
from blocks.runtime import Block, Signal
from blocks.runtime.frame import Frame
from blocks.stream.sample_buffer import SampleBuffer, antenna_signal


class StreamToFrames(Block):
    """Cuts a stream of aligned samples into coherence blocks: block b holds the samples b L ... b L + L - 1 of every antenna.

    In:   samples  (M,) or () complex64   the leading axis counts items
    Out:  y        (M, L) complex64       a block's stream tags are those of its samples

    antennas: M; symbols: L; layout: "vector" (an item is one sample of every antenna) or "interleaved" (scalars, the antennas in turn).
    Blocks of which a sample is missing are left out, so that the index jumps, and their samples are counted as "lost_samples".
    """

    def __init__(self, antennas: int, symbols: int, layout: str = "vector"):
        if symbols < 1:
            raise ValueError(f"symbols={symbols} has to be at least 1")
        self.inputs = {"samples": antenna_signal(antennas, layout)}
        self.outputs = {"y": Signal("M", "L")}
        self.antennas, self.symbols, self.layout = antennas, symbols, layout

    def dims(self):
        return {"M": self.antennas, "L": self.symbols}

    def start(self):
        self._lost = 0

    def report(self):
        return {"lost_samples": getattr(self, "_lost", 0)}

    def transform(self, frames):
        buffer, size = SampleBuffer(self.antennas, self.layout), self.symbols
        noted: list[StreamTag] = []
        for frame in frames:
            if frame is None:
                yield None
                continue
            if buffer.missing(frame):
                self._lost += len(buffer.rows) + max(0, buffer.missing(frame))
                buffer.restart(frame)
                noted.clear()
            buffer.append(frame)
            noted += [tag.moved(buffer.row_of(tag.offset) // size) for tag in stream_tags(frame.tags, frame.index)]
            lead = min(-buffer.first % size, len(buffer.rows))
            buffer.drop(lead)
            self._lost += lead
            whole, start = len(buffer.rows) // size, buffer.first // size
            if not whole:
                continue
            blocks = buffer.rows[: whole * size].reshape(whole, size, -1).swapaxes(1, 2)
            buffer.drop(whole * size)
            made = Frame(start, {"y": blocks}, {n: v for n, v in frame.tags.items() if n != NAME}, whole, frame.born_ns)
            add_stream_tags(made.tags, [tag for tag in noted if tag.offset in made.index])
            noted = [tag for tag in noted if tag.offset >= made.index.stop]
            yield made
