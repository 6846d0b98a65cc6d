"""Record a sample stream as SigMF."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from blocks.radio.sigmf_package import TAG, sigmf_package
from blocks.radio.stream_tags import stream_tags
from blocks.runtime import Block, Signal, WiringError

_DATATYPES = {"complex64": "cf32_le", "float32": "rf32_le"}


class SigMFSink(Block):
    """Writes samples to PATH.sigmf-data and their description to PATH.sigmf-meta, with a SHA-512 checksum once the stream ends or stops.

    In:   samples  () or (M,) complex64 or float32   the leading axis counts samples; M channels, interleaved in the file

    sample_rate_hz, frequency_hz: noted in the description where given. Stream tags become annotations, whose field "calibeam:tag" keeps
    their exact PMTs; where the index jumps a new capture begins with its "core:global_index". Needs the package sigmf (extra
    calibeam[sigmf]). Raises FileExistsError rather than replace a recording, and OSError where it cannot be written.
    """

    outside = True

    def __init__(self, path: str | Path, sample_rate_hz: float | None = None, frequency_hz: float | None = None):
        self.path, self.inputs = Path(path), {"samples": Signal(..., dtype=None)}
        self.about = {"core:sample_rate": sample_rate_hz}
        self.tuned = {"core:frequency": frequency_hz}
        names = sigmf_package().sigmffile.get_sigmf_filenames(self.path)
        self.meta, self.data = names["meta_fn"], names["data_fn"]

    def offer(self, ports):
        [signal] = ports.values()
        if not signal.any_shape and (len(signal.dims) > 1 or str(signal.dtype) not in _DATATYPES):
            raise WiringError(f"{self.name or type(self).__name__} records samples () or (M,) of {' or '.join(_DATATYPES)}, got {signal}")
        self.inputs = {"samples": signal}

    def start(self):
        for file in (self.meta, self.data):
            if file.exists():
                raise FileExistsError(f"{file} exists; give another name, or delete it")
        self._file = self.data.open("xb")
        self._captures: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._written = self._next = 0

    def work(self, index, tags, samples):
        first = not self._captures
        if first:
            self._global = _given(
                {
                    "core:datatype": _DATATYPES[str(samples.dtype)],
                    "core:version": sigmf_package().__specification__,
                    "core:num_channels": 1 if samples.ndim == 1 else samples.shape[1],
                    **self.about,
                    "core:recorder": f"calibeam {version('calibeam')}",
                    "core:extensions": [{"name": "calibeam", "version": version("calibeam"), "optional": True}],
                }
            )
        if first or index.start != self._next:
            self._captures.append(
                _given(
                    {
                        "core:sample_start": self._written,
                        "core:global_index": index.start,
                        **self.tuned,
                        "core:datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                    }
                )
            )
        if first:
            self._describe()  # so that a recording that breaks off can be read
        for tag in stream_tags(tags, index):
            self._annotations.append(
                {
                    "core:sample_start": self._written + tag.offset - index.start,
                    "core:label": str(tag.key)[:20],
                    "core:comment": repr(tag.value)[:200],
                    TAG: tag.content().hex(),
                }
            )
        self._file.write(samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes())
        self._written += len(samples)
        self._next = index.stop

    def stop(self):
        if hasattr(self, "_file"):
            self._file.close()
            if self._captures:
                self._describe()
            del self._file

    def _describe(self):
        recording = sigmf_package().SigMFFile({"global": self._global, "captures": self._captures, "annotations": self._annotations})
        if self._file.closed:
            recording.set_data_file(self.data)
        recording.tofile(self.meta, overwrite=True)


def _given(fields):
    return {name: value for name, value in fields.items() if value is not None}
