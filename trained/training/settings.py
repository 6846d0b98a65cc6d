"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sim.world.deepmimo import DeepMIMO
from sim.world.room import Room

_PAPER = {"batch": 1024, "schedule": "constant", "beta2": 0.999, "clip": None, "default_power_share": 1.0}
_FIXED = {"min_users": 8, "max_users": 8, "default_power_share": 1.0}
RECIPES: dict[str, dict] = {
    "calibrated": {},
    "calibrated-perfect": {},
    "paper-conference": _PAPER,
    "paper-journal": {**_PAPER, "min_users": 8, "max_users": 8},
    "paper-journal-perfect": _PAPER,
    "channel-mapping": {},
    "data-driven": _FIXED,
    "data-driven-perfect": _FIXED,
    "unfolding": _FIXED,
    "data-driven-mimo": {**_FIXED, "user_antennas": 2, "batch": 64},
    "unfolding-mimo": {**_FIXED, "user_antennas": 2, "batch": 64},
}
FIXED_USERS = ("paper-journal", "data-driven", "data-driven-perfect", "unfolding", "data-driven-mimo", "unfolding-mimo")
RAYLEIGH = ("data-driven-mimo", "unfolding-mimo")
STARTS = ("wmmse", "rzf")
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Settings:
    """Everything that decides what weights a run gives; the budget is `steps` where given, else `minutes`.

    network               a key of RECIPES; calibrated-perfect serves any number of antennas up to `antennas`
    learning_rate         peak of Adam's; "cosine" warms up and decays to 1 %, "constant" does not move
    beta2, clip           Adam's second decay; longest gradient, None for no limit
    mixture_rate          share of the learning rate that the mixture of places gets
    default_power_share   share of blocks at the default powers; the rest draws them from the trainer's ranges
    downlink_power_dbm    the default downlink power
    layers, start         of the unfolding; "wmmse" starts at layers that follow WMMSE as well as multiples of I can, "rzf" at
                          regularised zero forcing
    user_antennas, snr_db of the -mimo networks, which are for Rayleigh fading: N = d, and transmit over noise power
    """

    network: str = "calibrated"
    antennas: int = 64
    min_users: int = 2
    max_users: int = 16
    minutes: float = 25.0
    steps: int | None = None
    batch: int = 128
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup_steps: int = 100
    beta2: float = 0.98
    clip: float | None = 1.0
    mixture_rate: float = 0.1
    default_power_share: float = 0.7
    downlink_power_dbm: float = 5.0
    layers: int = 7
    start: str = "wmmse"
    user_antennas: int = 1
    snr_db: float = 20.0
    regions: int = 400
    cells: int = 5
    rank: int = 4
    hidden: int = 256
    seed: int = 1
    deepmimo: tuple[str, str] | None = None

    @classmethod
    def of(cls, network: str, **changes) -> Settings:
        """The recipe of a network with changes. Raises ValueError for a network or a setting that there is not."""
        if network not in RECIPES:
            raise ValueError(f"network={network!r} is not one of {', '.join(RECIPES)}")
        unknown = changes.keys() - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"there is no setting {', '.join(sorted(unknown))}; there are {', '.join(f.name for f in fields(cls))}")
        return cls(**{"network": network, **RECIPES[network], **changes})

    @property
    def world(self) -> Room | DeepMIMO:
        """The built-in room, or a DeepMIMO pair of folders."""
        return Room() if self.deepmimo is None else DeepMIMO(*self.deepmimo)

    def __post_init__(self):
        if self.network not in RECIPES:
            raise ValueError(f"network={self.network!r} is not one of {', '.join(RECIPES)}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule={self.schedule!r} is not one of {', '.join(SCHEDULES)}")
        if self.start not in STARTS:
            raise ValueError(f"start={self.start!r} is not one of {', '.join(STARTS)}")
        if not 1 <= self.min_users <= self.max_users <= self.antennas:
            raise ValueError(
                f"users have to satisfy 1 <= min_users <= max_users <= antennas, got {self.min_users}, {self.max_users}, {self.antennas}"
            )
        if self.network in FIXED_USERS and self.min_users != self.max_users:
            raise ValueError(
                f"{self.network} is for one number of users: min_users={self.min_users} and max_users={self.max_users} have to be the same"
            )
        if self.steps is None and not self.minutes > 0:
            raise ValueError(f"minutes={self.minutes} has to be above 0")
        if self.network in RAYLEIGH and self.max_users * self.user_antennas > self.antennas:
            raise ValueError(
                f"users={self.max_users} with user_antennas={self.user_antennas} need at least "
                f"{self.max_users * self.user_antennas} antennas, got antennas={self.antennas}"
            )
        for name in ("batch", "regions", "cells", "rank", "hidden", "layers", "user_antennas"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} has to be at least 1")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps={self.steps} has to be at least 1")
        for name in ("learning_rate", "mixture_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)} has to be above 0")
        if not 0 <= self.default_power_share <= 1:
            raise ValueError(f"default_power_share={self.default_power_share} has to be between 0 and 1")
