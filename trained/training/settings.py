"""How a network is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.world import World
from trained.card import Card
from trained.networks import Network, Size, find_network


@dataclass(frozen=True)
class Settings:
    """Everything that decides what weights a run gives; the budget is `steps` where given, else `minutes`.

    network              name of a network, or my.py:Mine
    config               the network's hyper-parameters, its Config
    world                where the channels come from
    antennas             base-station antennas M (the most of them for a network that serves any number)
    min_users            fewest users K of a step; each step draws one K
    max_users            most users K of a step
    user_antennas        antennas N of each user, and streams d
    uplink_power_dbm     transmit power of a user, dBm
    downlink_power_dbm   transmit power of the base station, dBm
    noise_dbm            noise power at every receiver, dBm
    link_loss_db         loss taken off every path, dB; by default 30 in the built-in room and 0 elsewhere
    default_power_share  share of blocks at these powers; the rest draws -20 ... 10 dBm up and -5 ... 15 dBm down
    minutes              budget as training time
    steps                budget as optimiser steps, instead of a time: the run can then be repeated exactly
    batch                coherence blocks of a step, all processes together
    learning_rate        peak learning rate of Adam
    schedule             of the rate: cosine warms up and decays to 1 %, constant does not move
    warmup_steps         steps of the warm-up
    beta2                second decay of Adam
    clip                 longest gradient; None for no limit
    seed                 draws weights, users and noise
    """

    network: str = "calibrated"
    config: Any = None
    world: World = field(default_factory=Room)
    antennas: int = 64
    min_users: int = 2
    max_users: int = 16
    user_antennas: int = 1
    uplink_power_dbm: float = -10.0
    downlink_power_dbm: float = 5.0
    noise_dbm: float = -85.0
    link_loss_db: float | None = None
    default_power_share: float = 0.7
    minutes: float = 25.0
    steps: int | None = None
    batch: int = 128
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = 100
    beta2: float = 0.98
    clip: float | None = 1.0
    seed: int = 1

    @classmethod
    def of(cls, network: str, config: dict[str, Any] | None = None, **changes: Any) -> Settings:
        """The recipe of a network with changes, and its Config with those of `config`.

        Raises ValueError for a network, a setting or a hyper-parameter that there is not.
        """
        made = find_network(network)
        _refuse_unknown(changes, cls, "setting")
        _refuse_unknown(config or {}, made.Config, f"hyper-parameter of {made.name}")
        usual = {**made.recipe, **getattr(changes.get("world"), "usual_powers", {})}
        if "antennas" in changes and "max_users" not in changes | usual:
            usual["max_users"] = min(16, changes["antennas"])
        return cls(**{"network": made.name, "config": made.Config(**(config or {})), **usual, **changes})

    def __post_init__(self) -> None:
        made = find_network(self.network)
        if self.config is None:
            object.__setattr__(self, "config", made.Config())
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"schedule={self.schedule!r} is not one of cosine, constant")
        if self.steps is None and not self.minutes > 0:
            raise ValueError(f"minutes={self.minutes} has to be above 0")
        for name in ("batch", "warmup_steps", "steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} has to be at least 1")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate} has to be above 0")
        if not 0 <= self.default_power_share <= 1:
            raise ValueError(f"default_power_share={self.default_power_share} has to be between 0 and 1")
        if made.fixed_users and self.min_users != self.max_users:
            raise ValueError(
                f"{made.name} is for one number of users: min_users={self.min_users} and max_users={self.max_users} have to be the same"
            )
        if self.user_antennas > 1 and not made.several_antennas:
            raise ValueError(f"user_antennas={self.user_antennas}: {made.name} is for users with one antenna")
        _ = self.size
        self.scenario("train")

    @property
    def size(self) -> Size:
        """What the network is made for."""
        return Size(self.antennas, self.min_users, self.max_users, self.user_antennas, self.user_antennas)

    @property
    def users(self) -> range:
        """The numbers of users K that the network is trained for."""
        return range(self.min_users, self.max_users + 1)

    def build(self) -> Network:
        """The network, with random weights."""
        return find_network(self.network)(self.size, self.config)

    def scenario(self, split: str, users: int | None = None, seed: int = 0) -> Scenario:
        """The link that a run is for, at its default powers; by default with `max_users` users."""
        return Scenario(
            antennas=self.antennas,
            users=self.max_users if users is None else users,
            uplink_power_dbm=self.uplink_power_dbm,
            downlink_power_dbm=self.downlink_power_dbm,
            noise_dbm=self.noise_dbm,
            link_loss_db=self.link_loss_db,
            world=self.world,
            seed=seed,
            split=split,
            user_antennas=self.user_antennas,
        )

    def watched_users(self) -> int:
        """The number of users at which a run is watched: 8, or what comes nearest among those that it is trained for."""
        return min(max(8, self.min_users), self.max_users)

    def recorded(self) -> dict[str, Any]:
        """What a card keeps under `training`: all but the network, its size and its Config."""
        everything = asdict(self)
        return {name: value for name, value in everything.items() if name not in ("network", "config", "world", *asdict(self.size))}


def _refuse_unknown(given: dict[str, Any], kind: Any, what: str) -> None:
    known = [f.name for f in fields(kind)]
    unknown = given.keys() - set(known)
    if unknown:
        raise ValueError(f"there is no {what} {', '.join(sorted(unknown))}; there are {', '.join(known) or 'none'}")


def settings_of_card(card: Card, world: World | None = None, config: dict[str, Any] | None = None, **changes: Any) -> Settings:
    """Settings that train what a card describes, with changes of them and of the `config`; world: another one than the card's."""
    known = {f.name for f in fields(Settings)}
    kept = {name: value for name, value in (card.size | card.training).items() if name in known}
    if "minutes" in changes and "steps" not in changes:
        changes["steps"] = None
    return Settings.of(card.network, card.config_fields() | (config or {}), **kept | {"world": world or card.made_in()} | changes)
