"""How a network is trained."""
from __future__ import annotations

from dataclasses import dataclass

from sim.deepmimo import DeepMIMO
from sim.room import Room

CSI = ("pilots", "perfect")


@dataclass(frozen=True)
class Settings:
    """Everything that decides what weights a run gives; the budget is `steps` where given, else `minutes`.

    csi: "pilots" calibrates uplink estimates for `antennas`; "perfect" learns powers for known downlink channels of any
    number of antennas up to `antennas`.
    """

    csi: str = "pilots"
    antennas: int = 64
    min_users: int = 2
    max_users: int = 16
    minutes: float = 25.0
    steps: int | None = None
    batch: int = 128
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    default_power_share: float = 0.7
    entries: int = 2048
    hidden: int = 512
    seed: int = 1
    deepmimo: tuple[str, str] | None = None

    @property
    def world(self) -> Room | DeepMIMO:
        """The built-in room, or a DeepMIMO pair of folders."""
        return Room() if self.deepmimo is None else DeepMIMO(*self.deepmimo)

    def __post_init__(self):
        if self.csi not in CSI:
            raise ValueError(f"csi={self.csi!r} is not one of {', '.join(CSI)}")
        if not 1 <= self.min_users <= self.max_users <= self.antennas:
            raise ValueError(f"users have to satisfy 1 <= min_users <= max_users <= antennas, got {self.min_users}, "
                             f"{self.max_users}, {self.antennas}")
        if self.steps is None and not self.minutes > 0:
            raise ValueError(f"minutes={self.minutes} has to be above 0")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps={self.steps} has to be at least 1")
