"""A base station that runs on its own: uplink pilots or samples in, precoders or precoded samples out.

    python flowgraphs/base_station.py                     takes frames at tcp://127.0.0.1:5555; try calibeam --base-station tcp://127.0.0.1:5555
    python flowgraphs/base_station.py --from gnuradio --input tcp://127.0.0.1:5555 --to samples --output tcp://127.0.0.1:5556

It runs until Ctrl-C, or the end of a recording. `docs/radio.md` tells what to say on the other side.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from blocks import (
    Block,
    Conjugate,
    Flowgraph,
    FramesToStream,
    PilotMonitor,
    Precode,
    QAMSource,
    StreamsToVector,
    TolerantChain,
    VectorToStreams,
)
from flowgraphs.wiring.command_line import program, run
from flowgraphs.wiring.effect import refuse_options_without_effect
from flowgraphs.wiring.options import given_options
from flowgraphs.wiring.pilot_file import load_pilots
from flowgraphs.wiring.radio import Input, Output, Sync, make_finder, make_recorder, make_sinks, make_sources
from flowgraphs.wiring.receiver import Receiver, learned_calibration, make_receiver
from flowgraphs.wiring.remote import answers_at
from flowgraphs.wiring.serve import serve
from flowgraphs.wiring.trained_for import known_channels, outside_of_training
from sim.world.scenario import Scenario

_log = logging.getLogger("calibeam")
_link, _powers, _input, _bursts, _output, _samples, _sockets = (
    partial(typer.Option, rich_help_panel=title)
    for title in ("Link", "Powers", "Input", "Coherence blocks in samples", "Output", "Precoded samples", "Samples and sockets")
)


def wire(
    receiver: Receiver,
    monitor: PilotMonitor,
    sources: list[Block],
    finder: Block | None,
    sinks: list[Block],
    data: list[Block],
    record: Block | None = None,
    conjugate: bool = False,
) -> Flowgraph:
    """The base station: sources (one, or one per antenna), finder, the receiver, data, sinks (one, or one per antenna).

    finder: from samples to y, or None where the source gives y; data: [QAMSource, FramesToStream] for precoded samples, [] for precoders.
    """
    fg = Flowgraph()
    at = sources[0]
    if len(sources) > 1:
        at = StreamsToVector(len(sources))
        for m, source in enumerate(sources):
            fg.connect(source, (at, f"ch{m}"))
    if record is not None:
        fg.connect(at, record)
    process = TolerantChain(monitor, *receiver.estimate, *receiver.precode, *([Conjugate()] if conjugate else []))
    fg.connect(at, *([finder] if finder else []), process)
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


def base_station(
    context: typer.Context,
    antennas: Annotated[int, _link(metavar="M", help="Base-station antennas.")] = 64,
    users: Annotated[int, _link(metavar="K", help="Single-antenna users.")] = 8,
    pilots: Annotated[int | None, _link(metavar="L", help="Pilot symbols; K by default.")] = None,
    pilot_file: Annotated[Path | None, _link(metavar="FILE.npy", help="Pilots (K, L), complex, in place of DFT pilots.")] = None,
    estimator: Annotated[str, _link(metavar="NAME", help="ls, scaled-ls or lmmse.")] = "ls",
    calibration: Annotated[str, _link(metavar="NAME|FILE", help="Calibration weights, fingerprint, or none.")] = "calibrated",
    precoder: Annotated[str, _link(metavar="NAME", help="zf, rzf, mrt, wmmse, or calibrated.")] = "calibrated",
    conjugate: Annotated[bool, _link("--conjugate", help="Send V*, for y = h^T V s: the channel that was heard, used backwards.")] = False,
    device: Annotated[str, _link(metavar="cpu|cuda", help="Where learned blocks compute.")] = "cpu",
    uplink_power_dbm: Annotated[float, _powers(metavar="dBm", help="Of a user; a sample's squared magnitude is mW.")] = -10.0,
    noise_dbm: Annotated[float, _powers(metavar="dBm", help="Noise of a sample that the base station hears.")] = -85.0,
    downlink_power_dbm: Annotated[float, _powers(metavar="dBm", help="Of all antennas together.")] = 5.0,
    user_noise_dbm: Annotated[float | None, _powers(metavar="dBm", help="Noise at the users; --noise-dbm by default.")] = None,
    source: Annotated[
        Input,
        _input(
            "--from",
            metavar="KIND",
            help="frames of calibeam and pdus of GNU Radio hold received pilots y; gnuradio, srsran, and sigmf (a recording) hold samples.",
        ),
    ] = Input.frames,
    places_in: Annotated[
        list[str] | None,
        _input(
            "--input",
            metavar="ENDPOINT|FILE",
            help="tcp://127.0.0.1:5555 by default; srsRAN: once per antenna.",
        ),
    ] = None,
    input_socket: Annotated[str | None, _input(metavar="KIND", help="Hears GNU Radio's sink: pull, sub or req.")] = None,
    input_key: Annotated[str | None, _input(metavar="KEY", help="Key of a PUB sink of GNU Radio.")] = None,
    input_tags: Annotated[bool, _input("--input-tags", help="GNU Radio's sink has Pass Tags on.")] = False,
    record: Annotated[Path | None, _input(metavar="NAME", help="Keep the input as a SigMF recording.")] = None,
    sync: Annotated[Sync | None, _bursts(metavar="KIND", help="preamble (where samples come), tag, or aligned.")] = None,
    preamble: Annotated[tuple[int, int], _bursts(metavar="LENGTH ROOT", help="Of the Zadoff-Chu sequence.")] = (61, 25),
    threshold: Annotated[float, _bursts(metavar="SHARE", help="Of energy along the preamble that makes a burst.")] = 0.25,
    tag: Annotated[str, _bursts(metavar="KEY", help="Of the stream tag at a burst's first pilot.")] = "burst",
    sink: Annotated[
        Output,
        _output("--to", metavar="KIND", help="Precoders as frames or pdus; precoded samples for GNU Radio (samples) or srsran."),
    ] = Output.frames,
    places_out: Annotated[
        list[str] | None,
        _output(
            "--output",
            metavar="ENDPOINT",
            help="By default the next port, or the path with -out; srsRAN: once per antenna.",
        ),
    ] = None,
    output_socket: Annotated[str | None, _output(metavar="KIND", help="Feeds GNU Radio's source: push, pub or rep.")] = None,
    output_key: Annotated[str | None, _output(metavar="KEY", help="Key for a SUB source of GNU Radio.")] = None,
    output_tags: Annotated[bool, _output("--output-tags", help="GNU Radio's source has Pass Tags on.")] = False,
    symbols: Annotated[int, _samples(metavar="T", help="Data symbols per coherence block.")] = 64,
    order: Annotated[int, _samples(metavar="POINTS", help="Of QAM: 4, 16, 64, 256 or 1024.")] = 16,
    seed: Annotated[int, _samples(metavar="SEED", help="Of the data symbols.")] = 0,
    layout: Annotated[str, _sockets(metavar="KIND", help="Items of GNU Radio: vector, or interleaved scalars.")] = "vector",
    bind_input: Annotated[bool | None, _sockets("--bind-input/--connect-input", help="Who listens; frames bind.")] = None,
    bind_output: Annotated[bool | None, _sockets("--bind-output/--connect-output", help="Who listens; binds.")] = None,
    curve: Annotated[Path | None, _sockets(metavar="FOLDER", help="Keys of calibeam keygen; strangers are refused.")] = None,
    insecure: Annotated[bool, _sockets("--insecure", help="Listen where other machines reach it, without keys.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")] = False,
):
    """Turn uplink pilots into precoders until interrupted.

    Peers may come, die and return at any time; what cannot be read or computed is counted, logged and left out.
    """
    given = given_options(context)
    places_in = places_in or ["tcp://127.0.0.1:5555"]
    places_out = places_out or [answers_at(places_in[0]) if source is not Input.sigmf else "tcp://127.0.0.1:5556"]
    if source in (Input.gnuradio, Input.srsran, Input.sigmf):
        sync = sync or Sync.preamble
    refuse_options_without_effect(given, source, sync, sink)
    if pilot_file is not None and pilots is not None:
        raise ValueError("--pilots has no effect beside --pilot-file, which has as many as its columns")
    x = None if pilot_file is None else load_pilots(pilot_file, users, uplink_power_dbm)
    scenario = Scenario(antennas, users, pilots if x is None else x.shape[1], uplink_power_dbm, downlink_power_dbm, noise_dbm)
    receiver = make_receiver(scenario, estimator, calibration, precoder, device, x, user_noise_dbm)
    if receiver.perfect_csi:
        raise ValueError(f"--calibration {calibration} expects the true channel, and a base station has pilots; take calibrated")
    if "estimator" in given and not receiver.estimate:
        raise ValueError(f"--estimator has no effect here: {calibration} hears the received pilots")
    learned = learned_calibration(scenario, calibration)
    monitor = PilotMonitor(receiver.pilots, scenario.noise_power, **known_channels(calibration, learned), strict=sync is Sync.tag)
    input_layout = "vector" if source is not Input.gnuradio else layout
    output_layout = layout if sink is Output.samples else "vector"
    data = [QAMSource(users, symbols, order, seed), FramesToStream(antennas, symbols, output_layout)]
    secure = {"insecure": insecure, "curve": None if curve is None else str(curve)}
    fg = wire(
        receiver,
        monitor,
        make_sources(
            source,
            places_in,
            scenario,
            sync,
            layout,
            _given(socket=input_socket, key=input_key, tags=input_tags or None, bind=bind_input),
            secure,
        ),
        make_finder(sync, scenario, input_layout, preamble, tag, threshold),
        make_sinks(
            sink,
            places_out,
            scenario,
            layout,
            _given(socket=output_socket, key=output_key, tags=output_tags or None, bind=bind_output),
            secure,
        ),
        data if sink in (Output.samples, Output.srsran) else [],
        make_recorder(record, scenario, sync, input_layout) if record else None,
        conjugate,
    )
    console = Console(quiet=quiet, highlight=False)
    logging.basicConfig(format="%(message)s", handlers=[RichHandler(console=Console(stderr=True) if quiet else console, show_path=False)])
    for sentence in outside_of_training(learned, scenario, noise_dbm if user_noise_dbm is None else user_noise_dbm):
        _log.warning("%s", sentence)
    console.print(
        f"base station: M={antennas} K={users} L={scenario.pilot_symbols}, {source.value} from {', '.join(places_in)}, "
        f"{sink.value} to {', '.join(places_out)}; Ctrl-C stops it",
        soft_wrap=True,
    )
    worker = next(block.name for block in fg.nodes if isinstance(block, TolerantChain))
    serve(fg, worker, console, places_out[0])


def _given(**options):
    return {name: value for name, value in options.items() if value is not None}


app = program(base_station)

if __name__ == "__main__":
    run(app)
