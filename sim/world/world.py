"""What a place that channels come from has to say: the one seam between a link and its world."""

from __future__ import annotations

import inspect
from typing import Protocol, runtime_checkable

import numpy as np

MEMBERS = ("carriers_hz", "positions", "channels")


@runtime_checkable
class World(Protocol):
    """Numbered places and the channel of each to every antenna of one base station. A frozen dataclass, so that it can be compared,
    hashed, pickled and written into results.

    carriers_hz  (uplink, downlink), Hz

    What a world can do beyond these three it says by the names below; `Scenario` asks for them by name.

    path_table()           its PathTable, made once and kept. Channels are then synthesised from it, fast and for any antenna spacing;
                           the trainer does it on its own device. `channels` is not called.
    user_channels(rows, user_antennas, antennas, carrier)
                           (..., N, M) complex64 for users with several antennas at the places `rows`.
    endless = True         there are no stored positions: each of the places 0 ... 2^63 - 1 fades on its own, and none is drawn twice.
    usual_powers           powers of a Scenario, by field, that the trainer takes where none are given
    link_loss_db           what a Scenario takes off the channels where its own `link_loss_db` is None; 0 where it is not said.
    """

    @property
    def carriers_hz(self) -> tuple[float, float]: ...

    def __hash__(self) -> int: ...

    def positions(self) -> np.ndarray:
        """(N, 3) float64, m: where each place is. Always the same places in the same order."""
        ...

    def channels(self, rows: np.ndarray, antennas: int, carrier: int) -> np.ndarray:
        """(..., M) complex64 amplitude gains between the places `rows` (...) int64 and the M antennas, without link loss.

        carrier: 0 the uplink, 1 the downlink. Both are what the base station would hear from there: a user receives h^H v. A pure
        function of its arguments, in this process and in any other.
        """
        ...


def checked_world(world: World) -> World:
    """The world itself. Raises ValueError, naming what is missing, for one that is none or cannot be hashed."""
    name = type(world).__name__
    missing = [member for member in MEMBERS if inspect.getattr_static(world, member, None) is None]
    if missing:
        raise ValueError(f"world={name} lacks {', '.join(missing)}: see sim.world.world.World for what a world has")
    try:
        hash(world)
    except TypeError:
        raise ValueError(f"world={name} cannot be hashed: make it a frozen dataclass of numbers, strings and tuples") from None
    return world
