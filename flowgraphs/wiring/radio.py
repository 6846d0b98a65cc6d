"""What a base station's input and output are made of: sources, synchronisation, recorder and sinks."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from blocks import (
    Block,
    BurstSync,
    Chain,
    FramesToStream,
    GNURadioMessageSink,
    GNURadioMessageSource,
    GNURadioSink,
    GNURadioSource,
    SigMFSink,
    SigMFSource,
    Signal,
    SrsranSink,
    SrsranSource,
    StreamToFrames,
    ZmqSink,
    ZmqSource,
)
from sim.preamble import zadoff_chu
from sim.world.scenario import Scenario


class Input(StrEnum):
    """Who speaks at the input."""

    frames, pdus, gnuradio, srsran, sigmf = "frames", "pdus", "gnuradio", "srsran", "sigmf"


class Output(StrEnum):
    """What leaves: precoders as calibeam's frames or as PDUs for GNU Radio, or precoded samples for GNU Radio or srsRAN."""

    frames, pdus, samples, srsran = "frames", "pdus", "samples", "srsran"


class Sync(StrEnum):
    """How coherence blocks lie in samples: bursts after a preamble, bursts marked by a tag, or one after the other."""

    preamble, tag, aligned = "preamble", "tag", "aligned"


def make_sources(kind: Input, places: list[str], s: Scenario, sync: Sync | None, layout: str, radio: dict, secure: dict) -> list[Block]:
    """The source blocks of an input; `radio` holds socket, tags, key and bind, where given."""
    vlen = s.antennas if layout == "vector" else 1
    if kind is Input.srsran:
        return [SrsranSource(place, **secure) for place in _one_per_antenna("input", places, s.antennas)]
    [place] = _single("input", places)
    if kind is Input.sigmf:
        return [SigMFSource(place)]
    if kind is Input.gnuradio:
        return [GNURadioSource(place, vlen=vlen, **radio, **secure)]
    pilots = Signal(s.antennas, s.pilot_symbols)
    if kind is Input.pdus:
        return [GNURadioMessageSource(place, **radio, **secure, y=pilots)]
    expected = {"samples": Signal(s.antennas)} if sync else {"y": pilots}
    return [ZmqSource(place, radio.get("bind", True), secure["insecure"], secure["curve"], endless=True, **expected)]


def make_finder(sync: Sync | None, s: Scenario, layout: str, preamble: tuple[int, int], tag: str, threshold: float) -> Block | None:
    """The block from samples to received pilots; None where the source gives received pilots."""
    if sync is None:
        return None
    if sync is Sync.aligned:
        return StreamToFrames(s.antennas, s.pilot_symbols, layout)
    if sync is Sync.tag:
        return BurstSync(s.antennas, s.pilot_symbols, tag=tag, layout=layout)
    return BurstSync(s.antennas, s.pilot_symbols, zadoff_chu(*preamble), threshold=threshold, layout=layout)


def make_sinks(kind: Output, places: list[str], s: Scenario, layout: str, radio: dict, secure: dict) -> list[Block]:
    """The sink blocks of an output; `radio` holds socket, tags, key and bind, where given."""
    if kind is Output.srsran:
        return [SrsranSink(place, **secure) for place in _one_per_antenna("output", places, s.antennas)]
    [place] = _single("output", places)
    if kind is Output.samples:
        return [GNURadioSink(place, vlen=s.antennas if layout == "vector" else 1, **radio, **secure)]
    if kind is Output.pdus:
        return [GNURadioMessageSink(place, **radio, **secure)]
    return [ZmqSink(place, **radio, **secure)]


def make_recorder(path: Path, s: Scenario, sync: Sync | None, layout: str) -> Block:
    """A SigMFSink for what the source gives: a vector per sample, scalars that take the antennas in turn, or received pilots.

    Raises OSError where the recording exists or cannot be written.
    """
    sink = SigMFSink(path)
    for file in (Path(sink.meta), Path(sink.data)):
        if file.exists():
            raise FileExistsError(f"--record {path}: {file} exists; give another name, or delete it")
    folder = Path(sink.data).parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise NotADirectoryError(f"--record {path}: {folder} is not a folder that can be written")
    if sync is None:
        return Chain(FramesToStream(s.antennas, s.pilot_symbols), sink)
    if layout == "interleaved" and s.antennas > 1:
        return Chain(StreamToFrames(s.antennas, 1, layout), FramesToStream(s.antennas, 1), sink)
    return sink


def _single(what, places):
    if len(places) != 1:
        raise ValueError(f"--{what} was given {len(places)} times; only srsRAN has one endpoint per antenna")
    return places


def _one_per_antenna(what, places, antennas):
    if len(places) != antennas:
        raise ValueError(f"antennas={antennas} need as many srsRAN endpoints, --{what} was given {len(places)} times")
    return places
