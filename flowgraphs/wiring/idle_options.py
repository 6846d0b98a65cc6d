"""Options of the link that would have no effect on it."""

from __future__ import annotations

from collections.abc import Iterable

from blocks import Flowgraph, LMMSEEstimator, LSEstimator, ScaledLSEstimator
from flowgraphs.wiring.link import every_node, hears_true_channel
from flowgraphs.wiring.options import refuse

_ESTIMATORS = (LSEstimator, ScaledLSEstimator, LMMSEEstimator)


def refuse_idle(given: Iterable[str], link: Flowgraph, calibration: str, base_station: str | None, compare: bool) -> None:
    """Raise ValueError, with the reason, for an option that was given although this link does nothing with it."""
    nodes = list(every_node(link))
    if base_station is not None:
        refuse(given, ("estimator", "precoder", "device"), "the base station is the receiver")
    if hears_true_channel(link):
        refuse(given, ("estimator",), f"the calibration {calibration} hears the true channel, no pilots")
        if not compare:
            refuse(given, ("pilots", "uplink_power_dbm"), f"the calibration {calibration} hears the true channel, no pilots")
    if not any(isinstance(node, _ESTIMATORS) for node in nodes):
        refuse(given, ("estimator",), f"the calibration {calibration} hears the received pilots themselves")
    if not any(hasattr(node, "device") for node in nodes):
        refuse(given, ("device",), "no block of this link computes on another device than the CPU")
