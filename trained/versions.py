"""Versions of what decides a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("calibeam", "numpy", "numba", "torch")


def versions(*more: str) -> dict[str, str]:
    """Of Python, of the packages that decide every result, and of `more`; "not installed" for one that is not there."""
    return {"python": platform.python_version(), **{package: _version(package) for package in (*PACKAGES, *more)}}


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
