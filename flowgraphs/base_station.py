"""A base station that runs on its own: uplink pilots or samples in, precoders or precoded samples out.

    python flowgraphs/base_station.py                     takes frames at tcp://127.0.0.1:5555; try calibeam --base-station tcp://127.0.0.1:5555
    python flowgraphs/base_station.py --from gnuradio --input tcp://127.0.0.1:5555 --to samples --output tcp://127.0.0.1:5556

It runs until Ctrl-C, or the end of a recording. `docs/radio.md` tells what to say on the other side.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from blocks import (
    Block,
    BurstSync,
    Chain,
    Flowgraph,
    FramesToStream,
    GNURadioMessageSink,
    GNURadioMessageSource,
    GNURadioSink,
    GNURadioSource,
    Precode,
    QAMSource,
    SigMFSink,
    SigMFSource,
    Signal,
    SrsranSink,
    SrsranSource,
    StreamsToVector,
    StreamToFrames,
    TolerantChain,
    VectorToStreams,
    ZmqSink,
    ZmqSource,
)
from flowgraphs.wiring.command_line import run_command
from flowgraphs.wiring.receiver import Receiver, make_receiver
from flowgraphs.wiring.remote import answers_at
from flowgraphs.wiring.serve import serve
from sim.preamble import zadoff_chu
from sim.world.scenario import Scenario

_link, _input, _output = (partial(typer.Option, rich_help_panel=title) for title in ("Link", "Input", "Output"))


class Input(StrEnum):
    """Who speaks at the input."""

    frames, pdus, gnuradio, srsran, sigmf = "frames", "pdus", "gnuradio", "srsran", "sigmf"


class Output(StrEnum):
    """What leaves: precoders as calibeam's frames or as PDUs for GNU Radio, or precoded samples for GNU Radio or srsRAN."""

    frames, pdus, samples, srsran = "frames", "pdus", "samples", "srsran"


class Sync(StrEnum):
    """How coherence blocks lie in samples: bursts after a preamble, bursts marked by a tag, or one after the other."""

    preamble, tag, aligned = "preamble", "tag", "aligned"


def wire(
    receiver: Receiver, sources: list[Block], sync: Block | None, sinks: list[Block], data: list[Block], record: Block | None
) -> Flowgraph:
    """The base station: sources (one, or one per antenna), sync, the receiver, data, sinks (one, or one per antenna).

    sync: from samples to y, or None where the source gives y; data: [QAMSource, FramesToStream] for precoded samples, [] for precoders.
    """
    fg = Flowgraph()
    at = sources[0]
    if len(sources) > 1:
        at = StreamsToVector(len(sources))
        for m, source in enumerate(sources):
            fg.connect(source, (at, f"ch{m}"))
    if record is not None:
        fg.connect(at, record)
    process = TolerantChain(*receiver.estimate, *receiver.precode)
    fg.connect(at, *([sync] if sync else []), process)
    at = process
    if data:
        symbols, stream = data
        at = Precode()
        fg.connect((process, "v"), (at, "v"))
        fg.connect((process, "v"), (symbols, "clock"))
        fg.connect(symbols, at, stream)
        at = stream
    if len(sinks) > 1:
        split = VectorToStreams(len(sinks))
        fg.connect(at, split)
        for m, sink in enumerate(sinks):
            fg.connect((split, f"ch{m}"), sink)
    else:
        fg.connect(at, sinks[0])
    return fg


def make_sources(kind: Input, places: list[str], s: Scenario, sync: Sync | None, layout: str, radio: dict, secure: dict) -> list[Block]:
    """The source blocks of an input; `radio` holds socket, tags, key and bind, where given."""
    per_antenna, vlen = s.antennas, s.antennas if layout == "vector" else 1
    if kind is Input.srsran:
        return [SrsranSource(place, **secure) for place in _one_per_antenna("input", places, per_antenna)]
    [place] = _single("input", places)
    if kind is Input.sigmf:
        return [SigMFSource(place)]
    if kind is Input.gnuradio:
        return [GNURadioSource(place, vlen=vlen, **radio, **secure)]
    pilots = Signal(s.antennas, s.pilot_symbols)
    if kind is Input.pdus:
        return [GNURadioMessageSource(place, **_only(radio, "socket", "bind"), **secure, y=pilots)]
    bind = _only(radio, "bind").get("bind", True)
    expected = {"samples": Signal(s.antennas)} if sync else {"y": pilots}
    return [ZmqSource(place, bind, secure["insecure"], secure["curve"], endless=True, **expected)]


def make_sinks(kind: Output, places: list[str], s: Scenario, layout: str, radio: dict, secure: dict) -> list[Block]:
    """The sink blocks of an output; `radio` holds socket, tags, key and bind, where given."""
    if kind is Output.srsran:
        return [SrsranSink(place, **secure) for place in _one_per_antenna("output", places, s.antennas)]
    [place] = _single("output", places)
    if kind is Output.samples:
        return [GNURadioSink(place, vlen=s.antennas if layout == "vector" else 1, **radio, **secure)]
    if kind is Output.pdus:
        return [GNURadioMessageSink(place, **_only(radio, "socket", "bind"), **secure)]
    return [ZmqSink(place, **_only(radio, "bind"), **secure)]


def make_recorder(path: Path, s: Scenario, sync: Sync | None, layout: str) -> Block:
    """A SigMFSink for what the source gives: a vector per sample, scalars that take the antennas in turn, or received pilots."""
    if sync is None:
        return Chain(FramesToStream(s.antennas, s.pilot_symbols), SigMFSink(path))
    if layout == "interleaved" and s.antennas > 1:
        return Chain(StreamToFrames(s.antennas, 1, layout), FramesToStream(s.antennas, 1), SigMFSink(path))
    return SigMFSink(path)


def base_station(
    antennas: Annotated[int, _link(help="Base-station antennas M.")] = 64,
    users: Annotated[int, _link(help="Single-antenna users K.")] = 8,
    pilots: Annotated[int | None, _link(help="Pilot symbols L; as many as users by default.")] = None,
    uplink_power_dbm: Annotated[float, _link(help="Transmit power of a user, dBm; a sample's squared magnitude is mW.")] = -10.0,
    downlink_power_dbm: Annotated[float, _link(help="Transmit power of the base station, dBm.")] = 5.0,
    noise_dbm: Annotated[float, _link(help="Noise power of a received sample, dBm.")] = -85.0,
    estimator: Annotated[str, _link(help="ls, scaled-ls or lmmse.")] = "ls",
    calibration: Annotated[str, _link(help="Name or file of calibration weights, fingerprint, or none.")] = "calibrated",
    precoder: Annotated[str, _link(help="zf, rzf, mrt, wmmse, or calibrated.")] = "calibrated",
    device: Annotated[str, _link(help="Where learned blocks compute: cpu or cuda.")] = "cpu",
    source: Annotated[
        Input,
        _input(
            "--from",
            help="Who speaks at the input: calibeam's frames (received pilots y), PDUs of GNU "
            "Radio (y too), or samples of GNU Radio, srsRAN or a SigMF recording.",
        ),
    ] = Input.frames,
    places_in: Annotated[
        list[str] | None,
        _input(
            "--input",
            metavar="ENDPOINT|FILE",
            help="Where the input comes from; for srsRAN once per antenna. Default: tcp://127.0.0.1:5555.",
        ),
    ] = None,
    sync: Annotated[
        Sync | None,
        _input(
            help="How samples hold coherence blocks: bursts after a Zadoff-Chu preamble (the default), "
            "bursts marked by a tag, or aligned, one after the other."
        ),
    ] = None,
    preamble: Annotated[tuple[int, int], _input(metavar="LENGTH ROOT", help="The Zadoff-Chu preamble of bursts.")] = (61, 25),
    tag: Annotated[str, _input(help="Key of the tag at a burst's first pilot, for --sync tag.")] = "burst",
    threshold: Annotated[float, _input(help="Share of energy along the preamble that makes a burst.")] = 0.25,
    input_socket: Annotated[str | None, _input(help="GNU Radio's sink is heard by: pull, sub or req.")] = None,
    input_key: Annotated[str | None, _input(help="Key of a PUB sink of GNU Radio.")] = None,
    input_tags: Annotated[bool, _input("--input-tags", help="GNU Radio's sink has Pass Tags on.")] = False,
    bind_input: Annotated[bool | None, _input("--bind-input/--connect-input", help="Who listens. Default: frames bind.")] = None,
    record: Annotated[Path | None, _input(help="Keep the input as a SigMF recording of this name.")] = None,
    sink: Annotated[
        Output, _output("--to", help="Precoders as frames or PDUs, or precoded samples for GNU Radio (samples) or srsRAN.")
    ] = Output.frames,
    places_out: Annotated[
        list[str] | None,
        _output(
            "--output",
            metavar="ENDPOINT",
            help="Where the output goes; for srsRAN once per antenna. Default: the next port, or the path with -out.",
        ),
    ] = None,
    symbols: Annotated[int, _output(help="Data symbols per coherence block in precoded samples.")] = 64,
    order: Annotated[int, _output(help="QAM order of the data symbols: 4, 16, 64, 256 or 1024.")] = 16,
    seed: Annotated[int, _output(help="Seed of the data symbols.")] = 0,
    output_socket: Annotated[str | None, _output(help="GNU Radio's source is fed by: push, pub or rep.")] = None,
    output_key: Annotated[str | None, _output(help="Key for a SUB source of GNU Radio.")] = None,
    output_tags: Annotated[bool, _output("--output-tags", help="GNU Radio's source has Pass Tags on.")] = False,
    bind_output: Annotated[bool | None, _output("--bind-output/--connect-output", help="Who listens. Default: bind.")] = None,
    layout: Annotated[str, typer.Option(help="Samples of all antennas: vector, or interleaved scalars.")] = "vector",
    curve: Annotated[Path | None, typer.Option(help="Folder of keys, from calibeam keygen: encrypts, and refuses strangers.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Listen where other machines reach it, without keys.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")] = False,
):
    """Turn uplink pilots into precoders until interrupted.

    Peers may come, die and return at any time; what cannot be read or computed is counted, logged and left out.
    """
    places_in = places_in or ["tcp://127.0.0.1:5555"]
    places_out = places_out or [answers_at(places_in[0]) if source is not Input.sigmf else "tcp://127.0.0.1:5556"]
    if source in (Input.gnuradio, Input.srsran, Input.sigmf):
        sync = sync or Sync.preamble
    elif source is Input.pdus and sync:
        raise ValueError("--sync is for samples; PDUs hold received pilots")
    scenario = Scenario(antennas, users, pilots, uplink_power_dbm, downlink_power_dbm, noise_dbm)
    receiver = make_receiver(scenario, estimator, calibration, precoder, device)
    if receiver.perfect_csi:
        raise ValueError(f"--calibration {calibration} expects the true channel, and a base station has pilots; take calibrated")
    input_layout = "vector" if source is not Input.gnuradio else layout
    finder: Block | None = None
    if sync is Sync.aligned:
        finder = StreamToFrames(antennas, scenario.pilot_symbols, input_layout)
    elif sync is not None:
        known = {"preamble": zadoff_chu(*preamble)} if sync is Sync.preamble else {"tag": tag}
        finder = BurstSync(antennas, scenario.pilot_symbols, threshold=threshold, layout=input_layout, **known)
    output_layout = layout if sink is Output.samples else "vector"
    data = [QAMSource(users, symbols, order, seed), FramesToStream(antennas, symbols, output_layout)]
    secure = {"insecure": insecure, "curve": None if curve is None else str(curve)}
    hearing = _given(socket=input_socket, key=input_key, tags=input_tags or None, bind=bind_input)
    telling = _given(socket=output_socket, key=output_key, tags=output_tags or None, bind=bind_output)
    fg = wire(
        receiver,
        make_sources(source, places_in, scenario, sync, layout, hearing, secure),
        finder,
        make_sinks(sink, places_out, scenario, layout, telling, secure),
        data if sink in (Output.samples, Output.srsran) else [],
        make_recorder(record, scenario, sync, input_layout) if record else None,
    )
    console = Console(quiet=quiet, highlight=False)
    logging.basicConfig(format="%(message)s", handlers=[RichHandler(console=Console(stderr=True) if quiet else console, show_path=False)])
    console.print(
        f"base station: M={antennas} K={users} L={scenario.pilot_symbols}, {source.value} from {', '.join(places_in)}, "
        f"{sink.value} to {', '.join(places_out)}; Ctrl-C stops it",
        soft_wrap=True,
    )
    worker = next(block.name for block in fg.nodes if isinstance(block, TolerantChain))
    serve(fg, worker, console, places_out[0])


def _given(**options):
    return {name: value for name, value in options.items() if value is not None}


def _only(options, *names):
    extra = options.keys() - set(names)
    if extra:
        raise ValueError(f"{', '.join(sorted(extra))}: options of GNU Radio's streams, which this input or output is not")
    return options


def _single(what, places):
    if len(places) != 1:
        raise ValueError(f"--{what} was given {len(places)} times; only srsRAN has one endpoint per antenna")
    return places


def _one_per_antenna(what, places, antennas):
    if len(places) != antennas:
        raise ValueError(f"antennas={antennas} need as many srsRAN endpoints, --{what} was given {len(places)} times")
    return places


def main() -> None:
    """Exit code 0 (also after Ctrl-C), 1 (a block failed) or 2 (bad arguments)."""
    run_command(base_station)


if __name__ == "__main__":
    main()
