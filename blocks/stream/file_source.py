"""Replay recorded frames."""

from pathlib import Path

from blocks.runtime import Block, Signal, WireError
from blocks.runtime.recording import read_recording


class FileSource(Block):
    """Frames of a recording made by FileSink, as they were: arrays, block indices, tags, frame sizes.

    Out:  the recorded arrays, one port each

    Raises FileNotFoundError, or WireError where the file is not a recording. One that breaks off plays its complete
    frames and then fails with an error that counts them.
    """

    outside = True

    def __init__(self, path: str | Path):
        self.path = Path(path)
        first = next(read_recording(self.path), None)
        if first is None:
            raise WireError(f"{path} holds no frames")
        self.outputs = {name: Signal(*array.shape[1:], dtype=array.dtype.str) for name, array in first.arrays.items()}

    def frames(self, blocks, batch):
        done = 0
        for frame in read_recording(self.path):
            if frame.arrays.keys() != self.outputs.keys():
                raise WireError(
                    f"{self.path}: block {frame.start} carries {', '.join(frame.arrays)}, "
                    f"the recording began with {', '.join(self.outputs)}"
                )
            if blocks is not None:
                if done >= blocks:
                    return
                frame, _ = frame.split(min(frame.count, blocks - done))
            done += frame.count
            yield frame
