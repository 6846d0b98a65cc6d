"""The whole FDD link: pilots up, calibration, precoded data down, and the rate that comes of it.

    python flowgraphs/fdd_e2e.py --users 10 --plot rates.png

`wire` and `wire_references` are the flowgraphs: copy them, swap a block for your own, run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from blocks import (
    AWGN,
    Block,
    Chain,
    DownlinkChannel,
    Flowgraph,
    GenieCSI,
    LSEstimator,
    PilotSource,
    RateSink,
    UplinkChannel,
    WMMSEPrecoder,
    ZFPrecoder,
)
from blocks.learned_block import LearnedBlock
from blocks.runtime.sockets import make_keys
from flowgraphs.base_station import base_station as base_station_command
from flowgraphs.experiments.report import Report
from flowgraphs.wiring.command_line import run
from flowgraphs.wiring.receiver import learned_calibration, make_pilots, make_receiver
from flowgraphs.wiring.remote import base_station_at
from sim.world.deepmimo import DeepMIMO
from sim.world.room import Room
from sim.world.scenario import Scenario


def wire(s: Scenario, estimator: str, calibration: str, precoder: str, device: str) -> Flowgraph:
    """The link under test."""
    receiver = make_receiver(s, estimator, calibration, precoder, device)
    know = [PilotSource(receiver.pilots), UplinkChannel(s), AWGN(s.noise_power, s.seed), *receiver.estimate]
    if receiver.perfect_csi:
        know = [GenieCSI(s)]
    fg = Flowgraph()
    fg.connect(*know, *(receiver.precode if device == "cpu" else [Chain(*receiver.precode)]), DownlinkChannel(s), RateSink(s.noise_power))
    return fg


def wire_to_base_station(s: Scenario, calibration: str, endpoint: str, curve: Path | None) -> Flowgraph:
    """The users and the air alone: received pilots go to a base station that runs elsewhere, and its precoders come back."""
    pilots = make_pilots(s, learned_calibration(s, calibration))
    sink, source = base_station_at(endpoint, s.antennas, s.users, curve)
    fg = Flowgraph()
    fg.connect(PilotSource(pilots), UplinkChannel(s), AWGN(s.noise_power, s.seed), sink)
    fg.connect(source, DownlinkChannel(s), RateSink(s.noise_power))
    return fg


def wire_references(s: Scenario) -> dict[str, Flowgraph]:
    """What the link is compared to, on the same channels and noise: two bounds and the classic receiver."""

    def rated(*blocks: Block) -> Flowgraph:
        fg = Flowgraph()
        fg.connect(*blocks, DownlinkChannel(s), RateSink(s.noise_power))
        return fg

    x, zf = s.pilot_matrix(), ZFPrecoder(s.downlink_power)
    references = {
        "wmmse_perfect_csi": rated(GenieCSI(s), WMMSEPrecoder(s.downlink_power, s.noise_power)),
        "zf_perfect_csi": rated(GenieCSI(s), zf),
    }
    if s.pilot_symbols >= s.users:
        noise = AWGN(s.noise_power, s.seed)
        references["ls_zf_uplink"] = rated(PilotSource(x), UplinkChannel(s), noise, LSEstimator(x), zf)
    return references


def fdd_e2e(
    context: typer.Context,
    antennas: Annotated[int, typer.Option(help="Base-station antennas M.")] = 64,
    users: Annotated[int, typer.Option(help="Single-antenna users K.")] = 8,
    pilots: Annotated[int | None, typer.Option(help="Pilot symbols L; as many as users by default.")] = None,
    blocks: Annotated[int, typer.Option(help="Coherence blocks to simulate.")] = 2000,
    batch: Annotated[int, typer.Option(help="Coherence blocks per frame.")] = 64,
    uplink_power_dbm: Annotated[float, typer.Option(help="Transmit power of a user, dBm.")] = -10.0,
    downlink_power_dbm: Annotated[float, typer.Option(help="Transmit power of the base station, dBm.")] = 5.0,
    noise_dbm: Annotated[float, typer.Option(help="Noise power at every receiver, dBm.")] = -85.0,
    link_loss_db: Annotated[float, typer.Option(help="Loss taken off every path, dB.")] = 30.0,
    estimator: Annotated[str, typer.Option(help="ls, scaled-ls or lmmse.")] = "ls",
    calibration: Annotated[str, typer.Option(help="Name or file of calibration weights, fingerprint, or none.")] = "calibrated",
    precoder: Annotated[
        str, typer.Option(help="zf, rzf, mrt, wmmse, or calibrated: what the calibration was trained with.")
    ] = "calibrated",
    transport: Annotated[str, typer.Option(help="Sockets: inproc, ipc or tcp (inproc between processes is ipc).")] = "inproc",
    workers: Annotated[str, typer.Option(help="One thread or one process per block.")] = "thread",
    device: Annotated[str, typer.Option(help="Where learned blocks compute: cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Seed of users and noise.")] = 0,
    base_station: Annotated[
        str | None,
        typer.Option(
            metavar="ENDPOINT", help="Use flowgraphs/base_station.py that listens at this endpoint; precoders come back over the next port."
        ),
    ] = None,
    curve: Annotated[Path | None, typer.Option(help="Folder with client.key_secret and server.key, for a base station with keys.")] = None,
    deepmimo: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="UPLINK_DIR DOWNLINK_DIR", help="DeepMIMO scenario folders instead of the built-in room."),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write configuration and results to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the CDF of the sum rate of each method to this .png, .svg or .pdf.")] = None,
    compare: Annotated[bool, typer.Option(help="Also run WMMSE and ZF with perfect CSI, and LS + ZF, on the same channels.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
):
    """Simulate an FDD massive-MIMO link on ray-traced channels and measure the downlink sum rate.

    The default calibration was trained in the built-in room, on positions other than the ones simulated here.
    """
    if context.invoked_subcommand is not None:
        return
    world = Room() if deepmimo is None else DeepMIMO(str(deepmimo[0]), str(deepmimo[1]))
    scenario = Scenario(antennas, users, pilots, uplink_power_dbm, downlink_power_dbm, noise_dbm, link_loss_db, world, seed=seed)
    report = Report(scenario, json, plot, quiet)
    streaming = {"blocks": blocks, "batch": batch, "transport": transport, "workers": workers}
    with report.task("ray tracing"):
        scenario.path_table()
    choices = {"estimator": estimator, "calibration": calibration, "precoder": precoder, "device": device}
    if base_station is None:
        link = wire(scenario, estimator, calibration, precoder, device)
    else:
        link = wire_to_base_station(scenario, calibration, base_station, curve)
        choices = {"base_station": base_station}
        report.note(f"the base station at {base_station} is the receiver; waits until it is there")
    for block in link.nodes:
        if isinstance(block, LearnedBlock) and not block.trained_in(scenario.world):
            report.note(f"the calibration {calibration} was trained in another world than this one")
    report.link(link, streaming, choices)
    if compare:
        report.references(wire_references(scenario), streaming)
    report.finish()


def keygen(folder: Annotated[Path, typer.Argument(help="New folder for the keys.")]):
    """Make CURVE keys for sockets that other machines reach: FOLDER for the side that binds (--curve FOLDER).

    The other side gets client.key_secret and server.key in a folder of its own; clients/ holds the public keys that are let in.
    """
    make_keys(folder)
    typer.echo(f"wrote {folder}; copy client.key_secret and server.key to the machine that connects")


def main() -> None:
    """The console script `calibeam`: exit code 0, 1 (a block failed), 2 (bad arguments) or 130 (Ctrl-C)."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(fdd_e2e)
    app.command()(keygen)
    app.command("base-station")(base_station_command)
    run(app)


if __name__ == "__main__":
    main()
