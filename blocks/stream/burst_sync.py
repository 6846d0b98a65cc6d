"""Coherence blocks in a continuous sample stream."""

from __future__ import annotations

import numpy as np

from blocks.radio.stream_tags import StreamTag, add_stream_tags, stream_tags
from blocks.runtime import Block, Signal
from blocks.runtime.frame import Frame
from blocks.stream.sample_buffer import SampleBuffer, antenna_signal
from sim.preamble import carrier_offset, likeness, preamble_snr, shift_carrier


class BurstSync(Block):
    """Finds bursts, a preamble of P samples and L pilot symbols, and takes their carrier offset off.

    In:   samples  (M,) or () complex64   the leading axis counts items
    Out:  y        (M, L) complex64       the pilots of each burst; bursts are numbered in the order found

    Every burst carries a stream tag "burst", {"sample": index of its first sample, "snr_db", "carrier_offset" (cycles per sample)}, and
    the stream tags of its samples.

    antennas: M; symbols: L; preamble: (P,), for example zadoff_chu(61, 25), sent by all users at once or by one; tag: key of the stream
    tag that marks a burst's first sample, in place of searching (the preamble may then be None: there is no offset estimate);
    threshold: of sim.preamble.likeness, about snr / (1 + snr); a carrier offset up to 1 / (4 P) is found; layout: as in StreamToFrames.

    A burst leaves once P samples after it have come. One in which another begins, or of which samples are missing, is left out and counted
    as "broken_bursts"; samples outside of bursts are counted as "skipped_samples", those missing from the stream as "lost_samples". The
    report has these counts and the quality of the last burst.
    Raises ValueError where neither preamble nor tag is given, or the threshold is not between 0 and 1.
    """

    def __init__(
        self,
        antennas: int,
        symbols: int,
        preamble: np.ndarray | None = None,
        tag: str | None = None,
        threshold: float = 0.25,
        layout: str = "vector",
    ):
        if preamble is None and tag is None:
            raise ValueError("BurstSync needs a preamble to look for, or the key of a tag")
        if symbols < 1:
            raise ValueError(f"symbols={symbols} has to be at least 1")
        if not 0 < threshold < 1:
            raise ValueError(f"threshold={threshold} is not between 0 and 1")
        self.preamble = np.asarray([] if preamble is None else preamble, np.complex64)
        if self.preamble.ndim != 1 or (preamble is not None and (len(self.preamble) < 4 or not self.preamble.any())):
            raise ValueError(f"preamble has shape {self.preamble.shape}, expected at least 4 samples, not all zero")
        self.inputs = {"samples": antenna_signal(antennas, layout)}
        self.outputs = {"y": Signal("M", "L")}
        self.antennas, self.symbols, self.tag, self.threshold, self.layout = antennas, symbols, tag, threshold, layout

    def dims(self):
        return {"M": self.antennas, "L": self.symbols}

    def start(self):
        self._seen = {"bursts": 0, "broken_bursts": 0, "skipped_samples": 0, "lost_samples": 0}
        self._last: dict[str, float] = {}
        self._tags: list[StreamTag] = []

    def report(self):
        return {**getattr(self, "_seen", {}), **getattr(self, "_last", {})}

    def transform(self, frames):
        buffer = SampleBuffer(self.antennas, self.layout)
        latest = None
        for frame in frames:
            if frame is None:
                yield None
                continue
            latest = frame
            missing = buffer.missing(frame)
            if missing:
                yield from self._bursts(buffer, frame, last=True)
                self._seen["lost_samples"] += max(0, missing)
                buffer.restart(frame)
                self._tags.clear()
            buffer.append(frame)
            self._tags += [tag.moved(buffer.row_of(tag.offset)) for tag in stream_tags(frame.tags, frame.index)]
            yield from self._bursts(buffer, frame, last=False)
        if latest is not None:
            yield from self._bursts(buffer, latest, last=True)

    def _bursts(self, buffer, frame, last):
        """The frame of all bursts that are complete in the buffer, if any, which then holds what is still open."""
        rows, first, size = buffer.rows, buffer.first, len(self.preamble) + self.symbols
        begins, judged = self._by_preamble(rows, last) if self.tag is None else self._by_tag(first, len(rows), last)
        self._seen["skipped_samples"] += judged - size * len(begins)
        start = self._seen["bursts"]
        if begins:
            made = Frame(start, {"y": np.empty((len(begins), self.antennas, self.symbols), np.complex64)}, {}, born_ns=frame.born_ns)
            noted = []
            for number, begin in enumerate(begins):
                made.arrays["y"][number], self._last = self._corrected(rows[begin : begin + size])
                noted.append(StreamTag(start + number, "burst", {"sample": first + begin, **self._last}))
                noted += [tag.moved(start + number) for tag in self._tags if begin <= tag.offset - first < begin + size]
            add_stream_tags(made.tags, noted)
            self._seen["bursts"] += len(begins)
            yield made
        buffer.drop(judged)
        self._tags = [tag for tag in self._tags if tag.offset >= buffer.first]

    def _by_preamble(self, rows, last):
        """(first rows of the complete bursts, number of rows that need not be looked at again)."""
        length, size = len(self.preamble), len(self.preamble) + self.symbols
        alike = likeness(rows, self.preamble)
        above = np.flatnonzero(alike >= self.threshold)
        begins: list[int] = []
        at = 0
        while True:
            ahead = above[np.searchsorted(above, at) :]
            if not len(ahead):
                return begins, len(rows) if last else max(at, len(alike))
            found = ahead[0]
            if not last and found + length > len(alike):
                return begins, found
            peak = found + int(alike[found : found + length].argmax())
            if not last and peak + size > len(alike):
                return begins, found
            inside = ahead[(ahead >= peak + length) & (ahead < peak + size)]
            if len(inside) or peak + size > len(rows):
                self._seen["broken_bursts"] += 1
                at = int(inside[0]) if len(inside) else len(rows)
            else:
                begins.append(peak)
                at = peak + size

    def _by_tag(self, first, count, last):
        size = len(self.preamble) + self.symbols
        marks = sorted({tag.offset - first for tag in self._tags if tag.key == self.tag and tag.offset >= first})
        begins = []
        for mark, following in zip(marks, [*marks[1:], None], strict=False):
            if following is not None and following < mark + size:
                self._seen["broken_bursts"] += 1
            elif mark + size <= count:
                begins.append(mark)
            elif last:
                self._seen["broken_bursts"] += 1
            else:
                return begins, min(mark, count)
        return begins, count

    def _corrected(self, burst):
        """(pilots (M, L), quality) of a burst (P + L, M)."""
        length = len(self.preamble)
        if not length:
            return burst.T, {}
        offset = carrier_offset(burst[:length], self.preamble)
        burst = shift_carrier(burst, -offset)
        snr = preamble_snr(burst[:length], self.preamble)
        return burst[length:].T, {"snr_db": float(10 * np.log10(max(snr, 1e-12))), "carrier_offset": offset}
