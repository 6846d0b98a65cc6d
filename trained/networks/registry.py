"""Which networks there are: those of this folder, of installed packages (entry points `calibeam.networks`), and of a user's own file."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from sim.extension import load_class
from trained.networks.base import Network

N = TypeVar("N", bound=type[Network])
NETWORKS: dict[str, type[Network]] = {}
"""Every known network by its name."""


def network(name: str, title: str) -> Callable[[N], N]:
    """Class decorator that gives a network its name, by which it is trained and streamed, and its title in tables and legends.

    Raises ValueError where another class has the name.
    """

    def register(made: N) -> N:
        made.name, made.title = name, title
        there = NETWORKS.get(name)
        if there is not None and (there.__qualname__, there.__module__) != (made.__qualname__, made.__module__):
            raise ValueError(f"network {name!r} of {made.__module__} has the name of one of {there.__module__}: give it another")
        NETWORKS[name] = made
        return made

    return register


def find_network(name: str) -> type[Network]:
    """The network of that name, or of a file as in "my.py:Mine". Raises ValueError for one that there is not."""
    if ".py:" in name:
        return _named(load_class(name, Network))
    if name not in NETWORKS:
        raise ValueError(f"network={name!r} is not one of {', '.join(NETWORKS)}; a class of your own is given as my.py:Mine")
    return NETWORKS[name]


def load_networks() -> None:
    """Import the networks of this folder and of installed packages; one that fails is told of and left out."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], "trained.networks."):
        importlib.import_module(module.name)
    for point in entry_points(group="calibeam.networks"):
        try:
            _named(point.load(), point.name)
        except Exception as error:
            warnings.warn(f"the network {point.name} of {point.value} cannot be used: {type(error).__name__}: {error}", stacklevel=2)


def _named(made: type[Network], name: str | None = None) -> type[Network]:
    """A class of somebody else's, registered by `name`, or by that of the class, where it has no @network of its own."""
    return made if "name" in vars(made) else network(name or made.__name__.lower(), name or made.__name__)(made)
