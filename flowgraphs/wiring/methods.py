"""The methods that figures and sweeps compare, each as a flowgraph that ends in the sum rate."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from blocks import Block, Chain, DownlinkChannel, Flowgraph, GenieCSI, LearnedPrecoder, RateSink, WMMSEPrecoder
from flowgraphs.wiring.link import wire
from flowgraphs.wiring.options import field_value
from flowgraphs.wiring.receiver import make_precoder
from sim.extension import load_class
from sim.world.rayleigh import Rayleigh
from sim.world.scenario import Scenario
from sim.world.world import World
from trained.evaluation.titles import REFERENCES
from trained.networks import NETWORKS, Network, find_network

CLASSIC = {
    "wmmse": REFERENCES["wmmse_perfect_csi"],
    "zf": REFERENCES["zf_perfect_csi"],
    "rzf": "RZF, perfect CSI",
    "mrt": "MRT, perfect CSI",
    "ls-zf": REFERENCES["ls_zf_uplink"],
    "fingerprint": "fingerprint + structured precoder",
    "wmmse-mimo": "WMMSE, best of 30 starts",
    "rzf-mimo": "RZF",
}
_STARTS = 30
_MIMO = "-mimo"


def method_names() -> list[str]:
    """Every method that has a name: the classic ones, the networks, and with -mimo those that serve users with several antennas."""
    several = [f"{name}{_MIMO}" for name, kind in NETWORKS.items() if kind.several_antennas]
    return [*CLASSIC, *NETWORKS, *several]


def title_of(method: str) -> str:
    """What a method is called in tables."""
    base, _, weights = method.partition("@")
    if is_own(method):
        kind = load_class(method, object)
        return kind.title or kind.__name__ if issubclass(kind, Network) else f"{kind.__name__}, perfect CSI"
    network = NETWORKS.get(base.removesuffix(_MIMO))
    title = CLASSIC.get(base, network.title if network else method)
    return f"{title}, {weights}" if weights else title


def is_own(method: str) -> bool:
    """True for "my.py:Mine": a network, or a precoder block that gets the true channel, of a user's own."""
    return ".py:" in method


def is_mimo(method: str) -> bool:
    """True for methods that serve users with several antennas, in Rayleigh fading."""
    return method.split("@")[0].endswith(_MIMO)


def typed_settings(method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with values of their fields' types. Raises ValueError for a setting that there is not and a value of another type."""
    known = {f.name for f in fields(Scenario)} - {"world", "seed"}
    if "seed" in settings:
        raise ValueError("seed: every point runs at the seeds 0 ... seeds-1; give their number with --seeds")
    if unknown := settings.keys() - known:
        raise ValueError(f"{', '.join(sorted(unknown))}: {method} has no such setting; there are {', '.join(sorted(known))}")
    return {name: field_value(Scenario, name, value) for name, value in settings.items()}


def make_scenario(method: str, settings: dict[str, Any], seed: int = 0, world: World | None = None) -> Scenario:
    """The scenario of a method with these settings, its fields, in a world (None: the default one). Raises ValueError as it does."""
    usual: dict[str, Any] = {} if world is None else {"world": world}
    if is_mimo(method):
        if world is not None:
            raise ValueError(f"{method} is for Rayleigh fading, which has no other world; leave it out")
        usual = {"world": Rayleigh(), "antennas": 32, "user_antennas": 2, **Rayleigh.usual_powers}
    return Scenario(**{**usual, **typed_settings(method, settings), "seed": seed})


def wire_method(method: str, s: Scenario) -> Flowgraph:
    """A method's flowgraph: one of `method_names`, the same with @ and a name of weights ("calibrated@my-weights"), a name or file of
    weights, or "my.py:Mine", see `is_own`.

    Raises ValueError or FileNotFoundError for one that there is not.
    """
    if is_own(method):
        if not issubclass(load_class(method, object), Network):
            return _rated(s, GenieCSI(s), make_precoder(s, method))
        method = find_network(method).name
    base, _, weights = method.partition("@")
    if is_mimo(method):
        return _several_antennas(base, weights, s)
    if base in ("wmmse", "zf", "rzf", "mrt"):
        return _rated(s, GenieCSI(s), make_precoder(s, base))
    if base == "ls-zf":
        return wire(s, "ls", "none", "zf", "cpu")
    return wire(s, "ls", weights or method, "calibrated", "cpu")


def _rated(s: Scenario, *blocks: Block) -> Flowgraph:
    fg = Flowgraph()
    # one thread: workers share the cores among points
    fg.connect(Chain(*blocks, DownlinkChannel(s), RateSink(s.noise_power, s.user_antennas)))
    return fg


def _several_antennas(base: str, weights: str, s: Scenario) -> Flowgraph:
    if base in CLASSIC:
        iterations, starts = (100, _STARTS) if base == "wmmse-mimo" else (0, 1)
        streams = s.user_streams if s.user_antennas > 1 else None
        return _rated(s, GenieCSI(s), WMMSEPrecoder(s.downlink_power, s.noise_power, iterations, streams, starts))
    name = weights or base.removesuffix(_MIMO)
    own = LearnedPrecoder(name, s.downlink_power, s.noise_power, s.antennas, users=s.users, user_antennas=s.user_antennas)
    return _rated(s, GenieCSI(s), own)
