"""The base station's signal processing, from received pilots to the precoder: what every flowgraph of the link shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from blocks import (
    Block,
    FingerprintCSI,
    LearnedPrecoder,
    LMMSEEstimator,
    LSEstimator,
    MRTPrecoder,
    NeuralCalibration,
    PilotCalibration,
    RZFPrecoder,
    ScaledLSEstimator,
    StructuredPrecoder,
    WMMSEPrecoder,
    ZFPrecoder,
)
from blocks.learned_block import LearnedBlock
from sim.extension import load_class
from sim.world.scenario import Scenario


@dataclass(frozen=True)
class Receiver:
    """pilots: the matrix X (K, L) that users send; estimate: blocks from y to h_est; precode: blocks from h_est to v.

    perfect_csi: True where the calibration was trained on the true channel, and expects it in place of the estimate.
    """

    pilots: np.ndarray
    estimate: list[Block]
    precode: list[Block]
    perfect_csi: bool


def make_receiver(
    s: Scenario,
    estimator: str,
    calibration: str,
    precoder: str,
    device: str = "cpu",
    pilots: np.ndarray | None = None,
    user_noise_dbm: float | None = None,
) -> Receiver:
    """The receiver of these names (see `calibeam --help`). Raises ValueError or FileNotFoundError for one that there is not.

    pilots: X (K, L) that users send in place of the usual ones; user_noise_dbm: noise at the users, that of the base station by default.
    """
    learned = learned_calibration(s, calibration, device)
    at_users = s if user_noise_dbm is None else replace(s, noise_dbm=user_noise_dbm)
    if pilots is None:
        pilots = make_pilots(s, learned)
    elif learned is not None and (learned.kind.has_own_pilots() or learned.card.hears == "received"):
        raise ValueError(f"calibration={calibration!r} hears the pilots that it was trained with: leave out --pilot-file")
    least_squares = make_estimator(s, estimator, pilots)
    noise = s.noise_power * float((abs(least_squares.matrix) ** 2).sum()) / s.users
    perfect_csi = learned is not None and learned.card.hears == "channel"
    if learned is not None and learned.card.gives == "precoder":
        if precoder != "calibrated":
            raise ValueError(f"precoder={precoder!r}: {learned.weights.stem} is a precoder itself; leave it at calibrated")
        own = LearnedPrecoder(calibration, s.downlink_power, at_users.noise_power, s.antennas, device, s.users)
        return Receiver(pilots, [] if learned.card.hears == "received" else [least_squares], [own], perfect_csi)
    estimate: list[Block] = [least_squares]
    precode: list[Block] = [make_precoder(at_users, precoder, device, learned)]
    if calibration == "fingerprint":
        precode.insert(0, FingerprintCSI(s, noise))
    if learned is not None:
        precode.insert(0, NeuralCalibration(calibration, noise, s.downlink_power, at_users.noise_power, s.antennas, device, s.users))
        if learned.kind.calibrates_received():
            estimate.insert(0, PilotCalibration(calibration, s.antennas, device, s.users))
    return Receiver(pilots, estimate, precode, perfect_csi)


def learned_calibration(s: Scenario, calibration: str, device: str = "cpu") -> LearnedBlock | None:
    """The network of that name; None for "fingerprint" and "none", which have none."""
    return None if calibration in ("fingerprint", "none") else LearnedBlock(calibration, s.antennas, device, s.users)


def make_pilots(s: Scenario, learned: LearnedBlock | None) -> np.ndarray:
    """The pilot matrix (K, L) that users send: that of the calibration where it was trained with its own, else DFT pilots."""
    if learned is None or not learned.kind.has_own_pilots():
        return s.pilot_matrix()
    if s.pilot_symbols != s.users:
        raise ValueError(f"pilots={s.pilot_symbols}: {learned.weights.stem} was trained with as many pilots as users, {s.users}")
    return learned.pilots(s.users, s.uplink_power)


def make_estimator(s: Scenario, name: str, pilots: np.ndarray) -> LSEstimator | ScaledLSEstimator | LMMSEEstimator:
    """The estimator block of that name for a scenario and a pilot matrix (K, L)."""
    if name not in ("ls", "scaled-ls", "lmmse"):
        raise ValueError(f"estimator={name!r} is not one of ls, scaled-ls, lmmse")
    if name == "ls":
        return LSEstimator(pilots)
    mean, covariance = s.uplink_statistics()
    if name == "scaled-ls":
        return ScaledLSEstimator(pilots, float(covariance.trace().real) / (s.antennas * s.users), s.noise_power)
    return LMMSEEstimator(pilots, mean, covariance, s.noise_power)


def make_precoder(s: Scenario, name: str, device: str = "cpu", learned: LearnedBlock | None = None) -> Block:
    """The precoder block of that name for a scenario; "calibrated" is what the calibration was trained with."""
    if name == "calibrated" and learned is not None and learned.card.gives == "channel":
        name = "zf"
    power, noise = s.downlink_power, s.noise_power
    makers: dict[str, Callable[[], Block]] = {
        "zf": lambda: ZFPrecoder(power),
        "rzf": lambda: RZFPrecoder(power, noise),
        "mrt": lambda: MRTPrecoder(power),
        "wmmse": lambda: WMMSEPrecoder(power, noise),
        "calibrated": lambda: StructuredPrecoder(power, noise, device),
    }
    if ":" in name:
        return make_own(load_class(name, Block), power=power, noise_power=noise, scenario=s, device=device)
    if name not in makers:
        raise ValueError(f"precoder={name!r} is not one of {', '.join(makers)}, nor my.py:Mine")
    return makers[name]()


def make_own(kind: type[Block], **known: Any) -> Block:
    """A block of a user's own class, made with those of the arguments `known` that its `__init__` names.

    Raises ValueError where it wants another one, or has no input h_est or output v.
    """
    wanted = signature(kind).parameters.values()
    named = [p.name for p in wanted if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    missing = [p.name for p in wanted if p.name in named and p.default is p.empty and p.name not in known]
    if missing:
        raise ValueError(f"{kind.__name__} needs {', '.join(missing)}; it can be given {', '.join(known)}, others need a default")
    block = kind(**{name: value for name, value in known.items() if name in named})
    if "h_est" not in block.inputs or "v" not in block.outputs:
        raise ValueError(f"{kind.__name__} is no precoder: it needs an input h_est and an output v, see blocks/precode/zf_precoder.py")
    return block
