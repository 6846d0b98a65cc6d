"""The methods that figures and sweeps compare, each as a flowgraph that ends in the sum rate."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from blocks import (
    Block,
    Chain,
    DownlinkChannel,
    Flowgraph,
    GenieCSI,
    LearnedMIMOPrecoder,
    MIMORateSink,
    MIMOWMMSEPrecoder,
    RateSink,
    RayleighChannel,
)
from flowgraphs.wiring.link import wire
from flowgraphs.wiring.options import field_value
from flowgraphs.wiring.receiver import make_precoder
from sim.world.rayleigh import RayleighScenario
from sim.world.scenario import Scenario
from trained.evaluation.titles import REFERENCES

TITLES = {
    "wmmse": REFERENCES["wmmse_perfect_csi"],
    "zf": REFERENCES["zf_perfect_csi"],
    "rzf": "RZF, perfect CSI",
    "mrt": "MRT, perfect CSI",
    "calibrated": "neural calibration",
    "calibrated-perfect": "neural calibration, perfect CSI",
    "ls-zf": REFERENCES["ls_zf_uplink"],
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


def title_of(method: str) -> str:
    """What a method is called in tables."""
    base, _, weights = method.partition("@")
    if is_own(method):
        return f"{method.rpartition(':')[2]}, perfect CSI"
    return f"{TITLES[base]}, {weights}" if weights and base in TITLES else TITLES.get(method, method)


def is_own(method: str) -> bool:
    """True for "my.py:Mine", a precoder of a user's own that gets the true channel."""
    return ".py:" in method


def is_mimo(method: str) -> bool:
    """True for methods that serve users with several antennas, in Rayleigh fading."""
    return method.split("@")[0].endswith("-mimo")


def scenario_kind(method: str) -> type[Scenario] | type[RayleighScenario]:
    """The dataclass whose fields a method's settings are."""
    return RayleighScenario if is_mimo(method) else Scenario


def typed_settings(method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with values of their fields' types. Raises ValueError for a setting that there is not and a value of another type."""
    kind = scenario_kind(method)
    known = {f.name for f in fields(kind)} - {"world", "seed"}
    if "seed" in settings:
        raise ValueError("seed: every point runs at the seeds 0 ... seeds-1; give their number with --seeds")
    if unknown := settings.keys() - known:
        raise ValueError(f"{', '.join(sorted(unknown))}: {method} has no such setting; there are {', '.join(sorted(known))}")
    return {name: field_value(kind, name, value) for name, value in settings.items()}


def make_scenario(method: str, settings: dict[str, Any], seed: int = 0, world: Any = None) -> Scenario | RayleighScenario:
    """The scenario of a method with these settings, its fields, in a world (None: the default one). Raises ValueError as it does."""
    settings = typed_settings(method, settings)
    if is_mimo(method) and world is not None:
        raise ValueError(f"{method} is for Rayleigh fading, which has no other world; leave it out")
    return scenario_kind(method)(**settings, seed=seed, **({} if world is None else {"world": world}))


def wire_method(method: str, s: Scenario | RayleighScenario) -> Flowgraph:
    """A method's flowgraph: a key of TITLES, the same with @ and a name of weights ("calibrated@my-weights"), a name or file of weights, or
    "my.py:Mine", a precoder block that gets the true channel.

    Raises ValueError or FileNotFoundError for one that there is not.
    """
    base, _, weights = method.partition("@")
    if isinstance(s, Scenario) and is_own(method):
        return _rated(s, GenieCSI(s), make_precoder(s, method))
    if base not in TITLES:
        base, weights = "calibrated", method
    if not weights:
        weights = f"{base}-m{s.antennas}-k{s.users}" if base in _FOR_USERS else base
    if isinstance(s, RayleighScenario):
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
        precoder: Block = MIMOWMMSEPrecoder(s.streams, s.power, 1.0, 100 if reference else 0, _STARTS if reference else 1)
    else:
        precoder = LearnedMIMOPrecoder(weights, s.power, s.antennas)
    fg, channel, sink = Flowgraph(), RayleighChannel(s), MIMORateSink(1.0)
    fg.connect(channel, precoder, sink)
    fg.connect((channel, "h"), (sink, "h"))
    return fg
