"""Streaming blocks of the FDD massive-MIMO link.

Every block of a file in one of the rooms below is exported here by its name, with no list to keep. PALETTE has them by name, and those
that other packages announce under the entry-point group "calibeam.blocks".
"""

import functools
import importlib
import logging
import os
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

# torch's idle threads would spin on the cores that the other blocks need; it reads this when it is first imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from blocks.runtime import Block, BlockError, Chain, Flowgraph, Signal, WiringError, ZmqSink, ZmqSource, run_block

ROOMS = ("link", "estimate", "precode", "receive", "stream", "radio")


def _of_the_rooms() -> dict[str, type[Block]]:
    found: dict[str, type[Block]] = {"ZmqSink": ZmqSink, "ZmqSource": ZmqSource}
    for room in ROOMS:
        for module in pkgutil.iter_modules([str(Path(__file__).parent / room)], f"blocks.{room}."):
            content = vars(importlib.import_module(module.name))
            found |= {
                k: v
                for k, v in content.items()
                if isinstance(v, type) and issubclass(v, Block) and v.__module__ == module.name and not v.abstract
            }
    return dict(sorted(found.items()))


_OURS = _of_the_rooms()
globals().update(_OURS)


@functools.cache
def _palette() -> dict[str, type[Block]]:
    """Other people's packages are imported here, when somebody asks: they import this one themselves."""
    theirs: dict[str, type[Block]] = {}
    for point in entry_points(group="calibeam.blocks"):
        try:
            if point.name in (_OURS | theirs):
                raise ValueError("there is a block of that name already")
            kind = point.load()
            if not (isinstance(kind, type) and issubclass(kind, Block)):
                raise TypeError(f"{point.value} is no Block")
            theirs[point.name] = kind
        except Exception as error:
            package = point.dist.name if point.dist else point.value
            logging.getLogger("calibeam").warning(
                "block %s of the package %s is left out: %s: %s", point.name, package, type(error).__name__, error
            )
    return _OURS | theirs


def __getattr__(name: str) -> Any:
    if name == "PALETTE":
        return _palette()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; blocks.PALETTE lists the blocks that there are")


__all__ = ["Block", "BlockError", "Chain", "Flowgraph", "Signal", "WiringError", "run_block", *_OURS]
