"""The flowgraphs of the link: copy `wire`, swap a block for your own, run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
from flowgraphs.wiring.receiver import learned_calibration, make_pilots, make_receiver
from flowgraphs.wiring.remote import base_station_at
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


def every_node(fg: Flowgraph) -> Iterator[Block]:
    """The blocks of a flowgraph, those inside of chains too."""
    todo = list(fg.nodes)
    while todo:
        block = todo.pop(0)
        yield block
        if isinstance(block, Chain):
            todo += block.nodes


def hears_true_channel(fg: Flowgraph) -> bool:
    """True where the precoder is made from the true downlink channel and not from pilots."""
    return any(isinstance(block, GenieCSI) for block in every_node(fg))
