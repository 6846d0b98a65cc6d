"""CPU twins of networks, one file each, called as the network's; a network without one is computed by torch."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from trained.inference.base import Twin


def find_twin(network: str) -> type[Twin] | None:
    """The twin of the network of that name; None where it has none. Imports neither torch nor the network."""
    name = network.replace("-", "_")
    if not name.isidentifier() or find_spec(f"{__name__}.{name}") is None:
        return None
    module = importlib.import_module(f"{__name__}.{name}")
    own = (made for made in vars(module).values() if isinstance(made, type) and made.__module__ == module.__name__)
    return next((made for made in own if issubclass(made, Twin) and made is not Twin), None)


__all__ = ["Twin", "find_twin"]
