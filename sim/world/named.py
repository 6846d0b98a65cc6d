"""Worlds by name, as cards and command lines have them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sim.world.deepmimo import DeepMIMO
from sim.world.rayleigh import Rayleigh
from sim.world.room import Room
from sim.world.world import World

WORLDS: dict[str, type] = {"room": Room, "rayleigh": Rayleigh, "deepmimo": DeepMIMO}
"""The worlds that come along; any other is a class of a user's own."""


def name_of(world: World) -> str:
    """The name of a world: a key of WORLDS, or of a user's own its class."""
    return next((name for name, kind in WORLDS.items() if type(world) is kind), type(world).__name__)


def described(world: World) -> dict[str, Any]:
    """The fields of a world as plain numbers, strings, lists and maps."""
    return json.loads(json.dumps(asdict(world)))  # type: ignore[call-overload]


def world_of(name: str, fields: dict[str, Any]) -> World:
    """The world of that name with these fields, as `name_of` and `described` gave them.

    Raises ValueError for a world of a user's own, of which a name does not tell where its class is, and for fields that do not fit.
    """
    if name not in WORLDS:
        raise ValueError(f"world={name!r} is not one of {', '.join(WORLDS)}: give its class, --world FILE.py:CLASS")
    if name == "room":
        if described(Room()) != fields:
            raise ValueError("it is another room than the built-in one: give its class, --world FILE.py:CLASS")
        return Room()
    try:
        return WORLDS[name](**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})
    except TypeError as error:
        raise ValueError(f"world={name!r} with {fields}: {error}") from None
