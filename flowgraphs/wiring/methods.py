"""The methods that figures and sweeps compare, each as a flowgraph that ends in the sum rate."""

from __future__ import annotations

from dataclasses import fields

from blocks import Block, Chain, DownlinkChannel, Flowgraph, GenieCSI, LearnedPrecoder, RateSink, WMMSEPrecoder
from flowgraphs.fdd_e2e import wire
from flowgraphs.wiring.receiver import make_precoder
from sim.world.rayleigh import Rayleigh
from sim.world.scenario import Scenario

TITLES = {
    "wmmse": "WMMSE, perfect CSI",
    "zf": "ZF, perfect CSI",
    "rzf": "RZF, perfect CSI",
    "mrt": "MRT, perfect CSI",
    "calibrated": "neural calibration",
    "calibrated-perfect": "neural calibration, perfect CSI",
    "ls-zf": "LS + ZF",
    "channel-mapping": "LS + channel mapping + ZF",
    "data-driven": "fully data-driven",
    "data-driven-perfect": "fully data-driven, perfect CSI",
    "unfolding": "deep unfolding, perfect CSI",
    "fingerprint": "fingerprint + structured precoder",
    "wmmse-mimo": "WMMSE, best of 30 starts",
    "rzf-mimo": "RZF",
    "unfolding-mimo": "IAIDNN",
    "data-driven-mimo": "black-box CNN",
}
_FOR_USERS = ("data-driven", "data-driven-perfect", "unfolding", "unfolding-mimo", "data-driven-mimo")
_STARTS = 30
_MIMO = {"world": Rayleigh(), "antennas": 32, "user_antennas": 2, "downlink_power_dbm": 20.0, "noise_dbm": 0.0}


def is_mimo(method: str) -> bool:
    """True for methods that serve users with several antennas, in Rayleigh fading."""
    return method.split("@")[0].endswith("-mimo")


def make_scenario(method: str, settings: dict) -> Scenario:
    """The scenario of a method with these settings, its fields. Raises ValueError for one that there is not."""
    known = {f.name for f in fields(Scenario)} - {"world"}
    if unknown := settings.keys() - known:
        raise ValueError(f"{', '.join(sorted(unknown))}: {method} has no such setting; there are {', '.join(sorted(known))}")
    return Scenario(**{**(_MIMO if is_mimo(method) else {}), **settings})


def wire_method(method: str, s: Scenario) -> Flowgraph:
    """A method's flowgraph: a key of TITLES, the same with @ and a name of weights ("calibrated@my-weights"), or a name of weights.

    Raises ValueError or FileNotFoundError for one that there is not.
    """
    base, _, weights = method.partition("@")
    if base not in TITLES:
        base, weights = "calibrated", method
    if not weights:
        weights = f"{base}-m{s.antennas}-k{s.users}" if base in _FOR_USERS else base
    if is_mimo(method):
        return _mimo(base, weights, s)
    if base in ("wmmse", "zf", "rzf", "mrt"):
        return _rated(s, GenieCSI(s), make_precoder(s, base))
    if base == "ls-zf":
        return wire(s, "ls", "none", "zf", "cpu")
    return wire(s, "ls", weights, "calibrated", "cpu")


def _rated(s, *blocks: Block) -> Flowgraph:
    fg = Flowgraph()
    fg.connect(Chain(*blocks, DownlinkChannel(s), RateSink(s.noise_power)))  # one thread: workers share the cores among points
    return fg


def _mimo(base, weights, s):
    if base in ("wmmse-mimo", "rzf-mimo"):
        reference = base == "wmmse-mimo"
        iterations, starts = (100, _STARTS) if reference else (0, 1)
        precoder: Block = WMMSEPrecoder(
            s.downlink_power, s.noise_power, iterations, s.user_streams if s.user_antennas > 1 else None, starts
        )
    else:
        precoder = LearnedPrecoder(weights, s.downlink_power, s.noise_power, s.antennas, users=s.users, user_antennas=s.user_antennas)
    fg = Flowgraph()
    fg.connect(GenieCSI(s), precoder, DownlinkChannel(s), RateSink(s.noise_power, s.user_antennas))
    return fg
