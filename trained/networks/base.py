"""What the trainer, the evaluation and the flowgraphs ask of a network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from sim.pilots import dft_pilots
from sim.precoding import zero_forcing_torch
from sim.rate import sum_rate_torch
from sim.structured import structured_precoder_torch

if TYPE_CHECKING:
    from sim.world.scenario import Scenario
    from trained.training.drops import Drop


class Hears(StrEnum):
    """What `Network.forward` gets first."""

    ESTIMATE = "estimate"
    """(B, M, K) least-squares estimates of the uplink channel."""
    RECEIVED = "received"
    """(B, M, L) received pilots."""
    CHANNEL = "channel"
    """(B, M, K) the true downlink channel, column k of user k."""


class Gives(StrEnum):
    """What `Network.forward` returns, a tuple."""

    CHANNEL = "channel"
    """(h,): a channel (B, M, K) for zero forcing."""
    STRUCTURE = "structure"
    """(h, p, q): a channel and user powers (B, K), mW, for the structured precoder."""
    PRECODER = "precoder"
    """(v,): the precoder (B, M, K) itself."""


@dataclass(frozen=True)
class Size:
    """What a network is made for.

    antennas                M of the base station (the most of them, where a network serves any number)
    min_users, max_users    users K, both ends included
    user_antennas, streams  N and d of each user
    """

    antennas: int
    min_users: int
    max_users: int
    user_antennas: int = 1
    streams: int = 1

    def __post_init__(self) -> None:
        for name, least in (("antennas", 1), ("min_users", 1), ("user_antennas", 1), ("streams", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)} has to be at least {least}")
        if not self.min_users <= self.max_users:
            raise ValueError(f"min_users={self.min_users} is above max_users={self.max_users}")
        if self.streams > self.user_antennas:
            raise ValueError(f"streams={self.streams} of a user with user_antennas={self.user_antennas}; expected at most as many")
        if self.max_users * self.streams > self.antennas:
            raise ValueError(
                f"users={self.max_users} with streams={self.streams} need at least {self.max_users * self.streams} antennas, "
                f"got antennas={self.antennas}"
            )


class Network(nn.Module):
    """Base of the networks. One that overrides nothing hears DFT pilots through least squares.

    A network is a class in a file of its own, marked with `@network("its-name", title="...")`; nothing else has to know of it. It says

    hears, gives     what `forward` gets and returns
    Config           its hyper-parameters: a frozen dataclass whose docstring has a line for each (they become options of the trainer)
    fixed_users      True where it serves exactly `size.max_users` users
    any_antennas     True where it serves any number of antennas
    several_antennas True where it serves users with several antennas too, by `precoders`
    recipe           training settings that differ from the defaults
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    hears: ClassVar[Hears] = Hears.ESTIMATE
    gives: ClassVar[Gives] = Gives.STRUCTURE
    fixed_users: ClassVar[bool] = False
    any_antennas: ClassVar[bool] = False
    several_antennas: ClassVar[bool] = False
    recipe: ClassVar[dict[str, Any]] = {}
    config: Any

    @dataclass(frozen=True)
    class Config:
        """No hyper-parameters."""

    def __init__(self, size: Size, config: Any = None):
        super().__init__()
        self.size, self.config = size, self.Config() if config is None else config

    @classmethod
    def has_own_pilots(cls) -> bool:
        """Whether users send pilots that the network chose; there are then as many symbols as users."""
        return cls.unit_pilots is not Network.unit_pilots

    @classmethod
    def calibrates_received(cls) -> bool:
        """Whether received pilots go through the network before least squares."""
        return cls.received is not Network.received

    def start(self, scenario: Scenario, generator: torch.Generator) -> None:
        """Fit the first weights to the training positions of a scenario; by default they stay as they were made."""

    def serves(self, users: int) -> bool:
        """True where the network can be used for that many users."""
        return users == self.size.max_users if self.fixed_users else True

    def unit_pilots(self, users: int) -> Tensor:
        """Pilot matrix (K, L) complex with rows of energy L (power 1 per symbol). Raises ValueError for a K that it has none for."""
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        return torch.from_numpy(dft_pilots(users, users, 1.0)).to(device)

    def received(self, y: Tensor) -> Tensor:
        """Received pilots (B, M, L) as the least-squares estimator should see them."""
        return y

    def forward(self, heard: Tensor, estimate_noise: Any, power: Any, noise_power: Any) -> tuple[Tensor, ...]:
        """What `gives` says, of what `hears` says.

        estimate_noise: noise power per entry of an estimate; power: downlink transmit power; noise_power: at the users; all mW,
        numbers or tensors (B,).
        """
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def precode(self, heard: Tensor, estimate_noise: Any, power: Tensor, noise_power: float) -> Tensor:
        """Precoder (B, M, K), differentiable, from what `forward` takes; power (B,): mW."""
        h, *powers = self(heard, estimate_noise, power, noise_power)
        if self.gives is Gives.PRECODER:
            return h
        if self.gives is Gives.CHANNEL:
            return zero_forcing_torch(h, power[:, None, None])
        p, q = powers
        return structured_precoder_torch(h, p, q, noise_power)

    def loss(self, drop: Drop, noise_power: float, progress: float) -> Tensor:
        """What training makes small on a Drop: by default minus the mean sum rate of a user; progress 0 ... 1 of the training."""
        v = self.precode(drop.heard, drop.estimate_noise, drop.power, noise_power)
        return -sum_rate_torch(drop.h_dl @ v, noise_power).mean() / drop.h_dl.shape[1]

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups for the optimiser, each with the `share` of the learning rate that it gets; by default one."""
        return [{"params": list(self.parameters()), "share": 1.0}]
