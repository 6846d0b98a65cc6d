"""A small world, small networks and short runs."""

from dataclasses import fields
from io import StringIO

from rich.console import Console

from sim.world.room import Grid, Room
from trained.training.settings import Settings

ROOM = Room(user_areas=(Grid((-1.5, 1.5), 50, 40),))


def config(kind):
    """A network's hyper-parameters with counts of at most 8 and widths of at most 32."""
    return {f.name: value for f in fields(kind.Config) if (value := _small(f.default)) is not None}


def _small(value):
    if isinstance(value, tuple):
        return tuple(min(width, 32) for width in value)
    return min(value, 8) if type(value) is int else None


def settings(network="calibrated", config=None, **changes):
    """Settings of three steps in the small room, of a small network where it is ours."""
    small = {"world": ROOM, "antennas": 16, "min_users": 2, "max_users": 4, "batch": 8, "steps": 3, "seed": 3}
    if network == "calibrated":
        config = {"regions": 12, "cells": 2, "hidden": 32} | (config or {})
    return Settings.of(network, config, **small | changes)


def console():
    """A console and what it says, `.file.getvalue()`."""
    return Console(file=StringIO(), width=200)
