"""The whole FDD link: pilots up, calibration, precoded data down, and the rate that comes of it.

    python flowgraphs/fdd_e2e.py --users 10 --plot rates.png

`wire` and `wire_references` are the flowgraphs: copy them, swap a block for your own, run.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from blocks import (
    AWGN,
    Block,
    BlockError,
    CalibrationMLP,
    Chain,
    DownlinkChannel,
    FingerprintCSI,
    Flowgraph,
    GenieCSI,
    LMMSEEstimator,
    LSEstimator,
    MRTPrecoder,
    PilotCalibrationMLP,
    PilotSource,
    RateSink,
    RZFPrecoder,
    ScaledLSEstimator,
    StructuredPrecoder,
    UplinkChannel,
    WMMSEPrecoder,
    ZFPrecoder,
)
from blocks.learned_block import LearnedBlock
from blocks.runtime.sockets import make_keys
from flowgraphs.report import Report
from sim.deepmimo import DeepMIMO
from sim.room import Room
from sim.scenario import Scenario


def wire(s: Scenario, estimator: str, calibration: str, precoder: str, device: str) -> Flowgraph:
    """The link under test."""
    learned = None if calibration in ("fingerprint", "none") else LearnedBlock(calibration, s.antennas, device)
    pilots = make_pilots(s, learned)
    estimate = make_estimator(s, estimator, pilots)
    noise = s.noise_power * float((abs(estimate.matrix) ** 2).sum()) / s.users
    know: list[Block] = [PilotSource(pilots), UplinkChannel(s), AWGN(s.noise_power, s.seed), estimate]
    precode: list[Block] = [make_precoder(s, precoder, device, learned)]
    if calibration == "fingerprint":
        precode.insert(0, FingerprintCSI(s, noise))
    if learned is not None:
        precode.insert(0, CalibrationMLP(calibration, noise, s.downlink_power, s.noise_power, s.antennas, device))
        if learned.architecture.calibrates_received:
            know.insert(-1, PilotCalibrationMLP(calibration, s.antennas, device))
        if learned.architecture.csi == "perfect":
            know = [GenieCSI(s)]
    fg = Flowgraph()
    fg.connect(*know, *(precode if device == "cpu" else [Chain(*precode)]), DownlinkChannel(s), RateSink(s.noise_power))
    return fg


def wire_references(s: Scenario) -> dict[str, Flowgraph]:
    """What the link is compared to, on the same channels and noise: two bounds and the classic receiver."""
    def rated(*blocks: Block) -> Flowgraph:
        fg = Flowgraph()
        fg.connect(*blocks, DownlinkChannel(s), RateSink(s.noise_power))
        return fg

    x, zf = s.pilot_matrix(), ZFPrecoder(s.downlink_power)
    references = {"wmmse_perfect_csi": rated(GenieCSI(s), WMMSEPrecoder(s.downlink_power, s.noise_power)),
                  "zf_perfect_csi": rated(GenieCSI(s), zf)}
    if s.pilot_symbols >= s.users:
        noise = AWGN(s.noise_power, s.seed)
        references["ls_zf_uplink"] = rated(PilotSource(x), UplinkChannel(s), noise, LSEstimator(x), zf)
    return references


def make_pilots(s: Scenario, learned: LearnedBlock | None) -> np.ndarray:
    """The pilot matrix (K, L) that users send: that of the calibration where it was trained with its own, else DFT pilots."""
    if learned is None or not learned.architecture.own_pilots:
        return s.pilot_matrix()
    if s.pilot_symbols != s.users:
        raise ValueError(f"pilots={s.pilot_symbols}: {learned.weights.stem} was trained with as many pilots as users, {s.users}")
    return learned.pilots(s.users, s.uplink_power)


def make_estimator(s: Scenario, name: str, pilots: np.ndarray) -> LSEstimator | ScaledLSEstimator | LMMSEEstimator:
    """The estimator block of that name for a scenario and a pilot matrix (K, L)."""
    if name == "ls":
        return LSEstimator(pilots)
    mean, covariance = s.uplink_statistics()
    if name == "scaled-ls":
        return ScaledLSEstimator(pilots, float(covariance.trace().real) / (s.antennas * s.users), s.noise_power)
    if name == "lmmse":
        return LMMSEEstimator(pilots, mean, covariance, s.noise_power)
    raise ValueError(f"estimator={name!r} is not one of ls, scaled-ls, lmmse")


def make_precoder(s: Scenario, name: str, device: str = "cpu", learned: LearnedBlock | None = None) -> Block:
    """The precoder block of that name for a scenario; "calibrated" is what the calibration was trained with."""
    if name == "calibrated" and learned is not None and learned.architecture.precoder == "zf":
        name = "zf"
    power, noise = s.downlink_power, s.noise_power
    makers: dict[str, Callable[[], Block]] = {
        "zf": lambda: ZFPrecoder(power), "rzf": lambda: RZFPrecoder(power, noise), "mrt": lambda: MRTPrecoder(power),
        "wmmse": lambda: WMMSEPrecoder(power, noise), "calibrated": lambda: StructuredPrecoder(power, noise, device)}
    if name not in makers:
        raise ValueError(f"precoder={name!r} is not one of {', '.join(makers)}")
    return makers[name]()


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
    precoder: Annotated[str, typer.Option(help="zf, rzf, mrt, wmmse, or calibrated: what the calibration was trained "
                                                       "with.")] = "calibrated",
    transport: Annotated[str, typer.Option(help="Sockets: inproc, ipc or tcp (inproc between processes is ipc).")] = "inproc",
    workers: Annotated[str, typer.Option(help="One thread or one process per block.")] = "thread",
    device: Annotated[str, typer.Option(help="Where learned blocks compute: cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Seed of users and noise.")] = 0,
    deepmimo: Annotated[tuple[Path, Path] | None, typer.Option(metavar="UPLINK_DIR DOWNLINK_DIR",
                                                               help="DeepMIMO scenario folders instead of the built-in room.")] = None,
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
    link = wire(scenario, estimator, calibration, precoder, device)
    for block in link.blocks:
        if isinstance(block, LearnedBlock) and not block.trained_in(scenario.world):
            report.note(f"the calibration {calibration} was trained in another world than this one")
    report.link(link, streaming, {"estimator": estimator, "calibration": calibration, "precoder": precoder, "device": device})
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
    try:
        app(standalone_mode=True)
    except BlockError as error:
        typer.echo(f"error: {str(error).splitlines()[0]}", err=True)
        raise SystemExit(1) from None
    except (ValueError, OSError, ImportError) as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
