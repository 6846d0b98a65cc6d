"""Where channels come from, as options that every program has alike."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from sim.extension import load_class
from sim.world.deepmimo import DeepMIMO
from sim.world.named import WORLDS
from sim.world.room import Room

PANEL = "World"


@dataclass(frozen=True)
class WorldOptions:
    """The built-in room by default.

    deepmimo        DeepMIMO scenario folders, of the uplink's carrier and of the downlink's, instead of the built-in room
    transmitter     --deepmimo: number of the base station (version 2), or id of the transmitter set (version 4)
    array_axis      --deepmimo: direction x y z of the antenna array; y by default
    world           room, rayleigh, or a world of your own, a class that needs no arguments

    Raises ValueError for options that do not go together.
    """

    deepmimo: tuple[str, str] | None = field(default=None, metadata={"metavar": "UPLINK DOWNLINK"})
    transmitter: int | None = None
    array_axis: tuple[float, float, float] | None = field(default=None, metadata={"metavar": "X Y Z"})
    world: str | None = field(default=None, metadata={"metavar": "NAME|my.py:Mine"})

    def __post_init__(self):
        if self.deepmimo is not None and self.world is not None:
            raise ValueError(f"--deepmimo and --world {self.world}: a link has one world, leave one of them out")
        for name in ("transmitter", "array_axis"):
            if self.deepmimo is None and getattr(self, name) is not None:
                raise ValueError(f"--{name.replace('_', '-')} would have no effect: it is for --deepmimo; leave it out")

    def make(self):
        """The world. Raises what the class of a user's own raises."""
        if self.world in ("room", "rayleigh"):
            return WORLDS[self.world]()
        if self.world is not None:
            return load_class(self.world, object)()
        if self.deepmimo is None:
            return Room()
        found = DeepMIMO(*self.deepmimo, self.transmitter)
        return found if self.array_axis is None else replace(found, array_axis=self.array_axis)

    @property
    def changes(self) -> dict:
        """The fields that differ from the default."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
