"""Streaming blocks of the FDD massive-MIMO link.

Every block of a file in one of the rooms below is exported here by its name, with no list to keep.
"""

import importlib
import os
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

# torch's idle threads would spin on the cores that the other blocks need; it reads this when it is first imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from blocks.runtime import Block, BlockError, Chain, Flowgraph, Signal, WiringError, ZmqSink, ZmqSource, run_block

ROOMS = ("link", "estimate", "precode", "receive", "stream", "radio")


def _palette() -> dict[str, type[Block]]:
    found: dict[str, type[Block]] = {}
    for room in ROOMS:
        for module in pkgutil.iter_modules([str(Path(__file__).parent / room)], f"blocks.{room}."):
            content = vars(importlib.import_module(module.name))
            found |= {
                k: v
                for k, v in content.items()
                if isinstance(v, type) and issubclass(v, Block) and v.__module__ == module.name and not v.abstract
            }
    return dict(sorted(found.items()))


PALETTE = _palette()
"""Every block that is made to be used, by name: those of the rooms, and the two ends of an edge to another program."""
PALETTE |= {"ZmqSink": ZmqSink, "ZmqSource": ZmqSource}
globals().update(PALETTE)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


__all__ = ["PALETTE", "Block", "BlockError", "Chain", "Flowgraph", "Signal", "WiringError", "run_block", *PALETTE]
