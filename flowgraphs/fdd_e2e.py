"""The whole FDD link: pilots up, calibration, precoded data down, and the rate that comes of it.

    python flowgraphs/fdd_e2e.py --users 10 --plot rates.png

The flowgraphs are wired in flowgraphs/wiring/link.py: copy `wire`, swap a block for your own, run.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from blocks import BlockError, Flowgraph
from blocks.learned_block import LearnedBlock
from flowgraphs.experiments.link_results import LinkResults
from flowgraphs.experiments.link_screen import LinkScreen
from flowgraphs.wiring.command_line import at_least, print_versions, program, run
from flowgraphs.wiring.idle_options import refuse_idle
from flowgraphs.wiring.link import hears_true_channel, wire, wire_references, wire_to_base_station
from flowgraphs.wiring.options import Given, Options, given_options, refuse, with_options
from flowgraphs.wiring.output_file import OutputFile
from flowgraphs.wiring.world_options import PANEL, WorldOptions
from sim.world.scenario import Scenario
from trained.store import user_folder

FIELDS = ("antennas", "users", "pilots", "uplink_power_dbm", "downlink_power_dbm", "noise_dbm", "link_loss_db", "seed")
_receiver, _running, _results = (partial(typer.Option, rich_help_panel=title) for title in ("Receiver", "Running", "Results"))


@with_options(scenario=Options(Scenario, "Link", FIELDS), world=Options(WorldOptions, PANEL))
def fdd_e2e(
    context: typer.Context,
    scenario: Given[Scenario],
    world: Given[WorldOptions],
    estimator: Annotated[Literal["ls", "scaled-ls", "lmmse"], _receiver(help="How the uplink is estimated from pilots.")] = "ls",
    calibration: Annotated[str, _receiver(metavar="NAME", help="Name or file of weights, fingerprint, or none.")] = "calibrated",
    network: Annotated[
        str | None, _receiver(metavar="my.py:Mine", help="A network of your own; --calibration is then its name by default.")
    ] = None,
    precoder: Annotated[
        str,
        _receiver(metavar="NAME", help="zf, rzf, mrt, wmmse; calibrated: what the weights were trained with; or my.py:Mine, a Block."),
    ] = "calibrated",
    device: Annotated[str, _receiver(help="Where learned blocks compute: cpu or cuda.")] = "cpu",
    base_station: Annotated[
        str | None,
        _receiver(metavar="ENDPOINT", help="Let calibeam base-station there be the receiver; precoders come back over the next port."),
    ] = None,
    curve: Annotated[
        Path | None, _receiver(metavar="FOLDER", help="--base-station: keys, client.key_secret and server.key (calibeam keygen).")
    ] = None,
    blocks: Annotated[int, _running(help="Coherence blocks to simulate.")] = 2000,
    batch: Annotated[int, _running(help="Coherence blocks per frame.")] = 64,
    transport: Annotated[
        Literal["inproc", "ipc", "tcp"], _running(help="Sockets between blocks; between processes inproc is ipc.")
    ] = "inproc",
    workers: Annotated[Literal["thread", "process"], _running(help="What each block runs in.")] = "thread",
    compare: Annotated[bool, _results(help="Also run WMMSE and ZF with perfect CSI, and LS + ZF, on the same channels.")] = True,
    json: Annotated[Path | None, _results(metavar="FILE", help="Write configuration and results to this file.")] = None,
    rates: Annotated[bool, _results("--rates", help="--json: with the rate of every coherence block.")] = False,
    plot: Annotated[Path | None, _results(metavar="FILE", help="Draw the distributions of the rates, to .png, .svg or .pdf.")] = None,
    quiet: Annotated[bool, _results("--quiet", help="Print nothing but errors.")] = False,
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=print_versions, help="Print versions and exit.")] = False,
):
    """Simulate an FDD massive-MIMO link on ray-traced channels and measure the downlink sum rate.

    The default calibration was trained in the built-in room, on positions other than the ones simulated here. Ctrl-C ends the run; what was
    measured by then is printed and written.
    """
    given = given_options(context)
    at_least(1, blocks=blocks, batch=batch)
    if base_station is None:
        refuse(given, ("curve",), "it is for --base-station")
    if json is None:
        refuse(given, ("rates",), "it is for --json")
    if network is not None:
        from trained.networks import find_network

        name = find_network(network).name
        calibration = calibration if "calibration" in given else name
    json_file = None if json is None else OutputFile(json, "--json")
    plot_file = None if plot is None else OutputFile(plot, "--plot", (".png", ".svg", ".pdf"))
    place = world.make().make()
    usual = {name: power for name, power in getattr(place, "usual_powers", {}).items() if name not in scenario.given}
    s = scenario.make(world=place, **usual)
    choices: dict = {"estimator": estimator, "calibration": calibration, "precoder": precoder, "device": device}
    if base_station is None:
        link = wire(s, estimator, calibration, precoder, device)
    else:
        link = wire_to_base_station(s, calibration if "calibration" in given else "none", base_station, curve)
        choices = {"base_station": base_station}
    refuse_idle(given, link, calibration, base_station, compare)
    screen = LinkScreen(quiet)
    with screen.task("preparing the world"):
        s.prepare()
    if base_station is not None:
        screen.note(f"the base station at {base_station} is the receiver; waits until it is there")
    for block in link.nodes:
        if isinstance(block, LearnedBlock):
            tell_of_weights(block, s, screen)
    streaming = {"blocks": blocks, "batch": batch, "transport": transport, "workers": workers}
    results = measure(s, link, wire_references(s) if compare else {}, streaming, choices, screen)
    screen.console.print(results.table())
    screen.console.print(speed(results.record))
    for file in filter(None, (json_file, plot_file)):
        file.write(results.json(rates) if file is json_file else results.plot(file.path.suffix))
        screen.console.print(f"wrote {file.path}" + (", which is partial" if results.partial else ""), soft_wrap=True)
    if results.partial:
        raise KeyboardInterrupt


def measure(
    s: Scenario, link: Flowgraph, references: dict[str, Flowgraph], streaming: dict, choices: dict, screen: LinkScreen
) -> LinkResults:
    """Run the link and what it is compared to; a reference that fails is told of and leaves a gap.

    Raises BlockError where the link fails.
    """
    true_channel = hears_true_channel(link)
    results = LinkResults(
        s,
        "this link (true channel)" if true_channel else "this link",
        {
            "graph": {"connections": link.draw().splitlines(), **choices, **streaming},
            "true_channel": true_channel,
            "blocks": streaming["blocks"],
        },
    )
    results.rates["link"] = _rates(screen.stream(link, streaming, results.titles["link"]))
    metrics = link.metrics()
    results.record |= {
        "throughput_blocks_per_s": metrics[link.nodes[-1].name].get("blocks", 0) / max(link.elapsed_s, 1e-9),
        "latency_ms": metrics[link.nodes[-1].name].get("latency_ms"),
        "metrics": metrics,
    }
    for method in () if not references else [name for name in results.titles if name != "link"]:
        results.rates[method] = None
        if method in references and not screen.interrupted:
            try:
                results.rates[method] = _rates(screen.stream(references[method], streaming, results.titles[method]))
            except BlockError as error:
                screen.note(f"{results.titles[method]}: {error.reason}")
    results.partial = screen.interrupted
    return results


def tell_of_weights(block: LearnedBlock, s: Scenario, screen: LinkScreen) -> None:
    """Say of weights what a user may not expect: that they are his own, or were trained in another world."""
    if block.weights.parent == user_folder():
        screen.note(f"{block.name} has weights of your own, {block.weights}")
    if not block.trained_in(s.world):
        screen.note(f"the weights {block.weights.stem} were trained in another world than this one")


def speed(record: dict) -> str:
    """Throughput and latency of the link, in a line."""
    latency, line = record["latency_ms"], f"{record['throughput_blocks_per_s']:,.0f} blocks/s"
    if not latency:
        return line
    return f"{line}; pilot to rate of one frame: p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms"


def _rates(results):
    return next(iter(results.values()))["rates"] if results else None


app = program(fdd_e2e)

if __name__ == "__main__":
    run(app)
