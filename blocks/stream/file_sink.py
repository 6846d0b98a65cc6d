"""Record frames to a file."""

from pathlib import Path

from blocks.runtime import Block, Frame
from blocks.runtime.recording import file_header, write_record
from blocks.runtime.wire import encode, encode_end


class FileSink(Block):
    """Writes every frame, with its block indices and tags, to a recording that FileSource replays.

    In:   whatever is connected to it; the arrays keep their port names

    path: replaced if it exists. The format is in blocks/runtime/recording.py. Raises OSError where it cannot be written.
    """

    outside = True

    def __init__(self, path: str | Path):
        self.path, self.inputs = Path(path), {}

    def offer(self, ports):
        self.inputs = {**self.inputs, **ports}

    def start(self):
        self._file = self.path.open("wb")
        self._file.write(file_header())

    def work(self, index, tags, **arrays):
        write_record(self._file, encode(Frame(index.start, arrays, tags, len(index))))

    def end(self):
        write_record(self._file, encode_end())

    def stop(self):
        if hasattr(self, "_file"):
            self._file.close()
            del self._file
