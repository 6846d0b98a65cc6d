"""Replay a SigMF recording."""

from __future__ import annotations

from pathlib import Path

from blocks.radio.sigmf_package import TAG, sigmf_package
from blocks.radio.stream_tags import StreamTag, add_stream_tags
from blocks.runtime import Block, Signal
from blocks.runtime.frame import Frame

_LONGEST_TEXT = 256  # characters; a PMT symbol holds 1,024 bytes


class SigMFSource(Block):
    """Samples of a SigMF recording (.sigmf-meta, or a .sigmf archive) of any datatype; integers are scaled to -1 ... 1.

    Out:  samples  () or (M,) complex64, or float32 where the recording is real   the leading axis counts samples

    frame_samples: samples per frame. The checksum is verified before the first sample. Annotations become stream tags: the exact tag where
    SigMFSink wrote it, else their label as the key and all their fields as the value. Indices are those of "core:global_index", so
    that gaps between captures show. Needs the package sigmf (extra calibeam[sigmf]). Raises ValueError for what is no recording or has
    another checksum, and OSError where it cannot be read.
    """

    outside = True

    def __init__(self, path: str | Path, frame_samples: int = 4096):
        if frame_samples < 1:
            raise ValueError(f"frame_samples={frame_samples} has to be at least 1")
        self.path, self.frame_samples = Path(path), frame_samples
        recording = self._open(skip_checksum=True)
        channels = recording.num_channels
        real = recording.get_global_field("core:datatype").startswith("r")
        self.outputs = {"samples": Signal(*(() if channels == 1 else (channels,)), dtype="float32" if real else "complex64")}

    def frames(self, blocks, batch):
        recording = self._open(skip_checksum=False)
        total = recording.sample_count if blocks is None else min(blocks, recording.sample_count)
        captures = sorted(recording.get_captures(), key=lambda c: c["core:sample_start"]) or [{"core:sample_start": 0}]
        starts = [capture["core:sample_start"] for capture in captures]
        annotations = sorted(recording.get_annotations(), key=lambda a: a["core:sample_start"])
        index = noted = 0
        for capture, start, end in zip(captures, starts, [*starts[1:], total], strict=True):
            index = capture.get("core:global_index", index)
            for at in range(start, min(end, total), self.frame_samples):
                count = min(self.frame_samples, end - at, total - at)
                frame = Frame(index, {"samples": recording.read_samples(at, count)})
                while noted < len(annotations) and annotations[noted]["core:sample_start"] < at + count:
                    offset = index + annotations[noted]["core:sample_start"] - at
                    add_stream_tags(frame.tags, [_tag(annotations[noted], offset, self.path)])
                    noted += 1
                yield frame
                index += count

    def _open(self, skip_checksum):
        package = sigmf_package()
        try:
            recording = package.fromfile(self.path, skip_checksum=skip_checksum)
            if not isinstance(recording, package.SigMFFile):
                raise ValueError("it is a collection; give one of its recordings")
            recording.validate()
            if recording.sample_count == 0:
                raise ValueError("it holds no samples")
        except OSError:
            raise
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"cannot read the SigMF recording {self.path}: its description is malformed ({error!r})") from None
        except Exception as error:
            raise ValueError(f"cannot read the SigMF recording {self.path}: {str(error).splitlines()[0]}") from None
        return recording


def _tag(annotation, offset, path):
    if TAG not in annotation:
        label = str(annotation.get("core:label", "annotation"))[:_LONGEST_TEXT]
        return StreamTag(offset, label, {name: _plain(value) for name, value in annotation.items()})
    try:
        return StreamTag.read(offset, bytes.fromhex(annotation[TAG]))[0]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: the field {TAG} at sample {annotation['core:sample_start']} is no tag: {error}") from None


def _plain(value):
    return value if isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63) else str(value)[:_LONGEST_TEXT]
