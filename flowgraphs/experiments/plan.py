"""The plan of a sweep: which methods run where, and in which folder the results are kept."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from flowgraphs.experiments.points import Point, wired
from flowgraphs.wiring.command_line import at_least
from flowgraphs.wiring.methods import typed_settings

_KEYS = {"methods": list, "grid": dict, "seeds": int, "blocks": int, "precision": int | float, "reference": str}


def read_plan(file: Path) -> dict:
    """The plan of a YAML file. Raises ValueError where it is none."""
    try:
        import yaml
    except ImportError as error:
        raise ImportError(f"reading {file} needs more than streaming does ({error}): pip install 'calibeam[cluster]'") from None
    try:
        plan = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(plan, dict) or plan.keys() - _KEYS.keys():
        raise ValueError(f"{file} has to be a map with keys out of {', '.join(_KEYS)}")
    for key, value in plan.items():
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise ValueError(f"{file}: {key}={value!r} has to be of type {getattr(_KEYS[key], '__name__', _KEYS[key])}")
    for name, values in plan.get("grid", {}).items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{file}: grid: {name}={values!r} has to be a list of values")
    return plan


def parse_grid(texts: list[str]) -> dict[str, list[str]]:
    """{name: values} of texts as "users=2,4". Raises ValueError for one that is none."""
    grid = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not name or not equals or not values:
            raise ValueError(f"--set {text} is not NAME=VALUE,VALUE")
        grid[name] = values.split(",")
    return grid


def typed_grid(methods: list[str], grid: dict[str, list]) -> dict[str, list]:
    """The grid with values of the settings' types, each once.

    Raises ValueError for a setting that a method has not, and a value of another type.
    """
    method = methods[0] if methods else ""
    return {name: list(dict.fromkeys(typed_settings(method, {name: v})[name] for v in values)) for name, values in grid.items()}


def grid_points(
    methods: list[str], grid: dict[str, list], seeds: int, blocks: int, precision: float, world: dict | None = None
) -> list[Point]:
    """Every method at every combination of the grid's values and at seeds 0 ... seeds-1."""
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return [
        Point(m, settings, seed, blocks, precision, world=world or {})
        for settings in combinations
        for seed in range(seeds)
        for m in methods
    ]


def check(points: list[Point], plan: dict) -> None:
    """Raise ValueError for a plan whose mistakes would show in every point of a method."""
    at_least(1, seeds=plan["seeds"], blocks=plan["blocks"])
    at_least(0, precision=plan["precision"])
    if not plan["methods"]:
        raise ValueError("there is no method to run")
    for method in dict.fromkeys(p.method for p in points):
        mine = [p for p in points if p.method == method]
        problem: Exception | None = None
        for point in mine:
            try:
                wired(point)
                problem = None
                break
            except (ValueError, FileNotFoundError, TypeError) as error:
                problem = error
        if problem is not None:
            raise ValueError(f"method {method} can run at none of its {len(mine)} points; at the last one: {problem}")


def plan_folder(out: Path, name: str | None, plan: dict) -> Path:
    """The folder of a plan's results in `out`: of that name, or of the first digits of the plan's SHA-256. It is made, with the plan in it.

    Raises ValueError where a folder of that name holds another plan's results.
    """
    written = json.loads(json.dumps(plan))
    digest = hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / (name or digest)
    file = folder / "configuration.json"
    if file.is_file():
        there: dict[str, Any] = json.loads(file.read_text())
        if any(there.get(key) != value for key, value in written.items()):
            raise ValueError(f"{folder} holds the results of another plan, see {file.name} there; give another --name")
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(plan, indent=2) + "\n")
    return folder
