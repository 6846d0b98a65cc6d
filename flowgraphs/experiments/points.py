"""Points of a sweep: one method in one scenario, run as a flowgraph, kept as a Parquet file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trained.evaluation.statistics import half_width, share

if TYPE_CHECKING:
    from blocks import Flowgraph

_CHUNK = 200


@dataclass(frozen=True)
class Point:
    """settings: fields of the scenario; blocks: the most coherence blocks; precision: half width of the 95 % interval over the mean at
    which fewer will do (0: never); weights: SHA-256 of the networks in its flowgraph, see `stamped`; world: fields of WorldOptions."""

    method: str
    settings: dict = field(default_factory=dict)
    seed: int = 0
    blocks: int = 1000
    precision: float = 0.0
    weights: str = ""
    world: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Method, settings and seed; blocks, precision, weights and world are not part of it."""
        parts = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in sorted(self.settings.items())]
        return ",".join([self.method.replace("/", "_"), *parts, f"seed={self.seed}"])

    @property
    def file(self) -> str:
        """File name, of its own for every other point."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.name[-200:]}-{digest}.parquet"


def wired(point: Point) -> Flowgraph:
    """The flowgraph of a point. Raises ValueError or FileNotFoundError for one that there is not."""
    from flowgraphs.wiring.methods import make_scenario, wire_method
    from flowgraphs.wiring.world_options import WorldOptions

    world = WorldOptions(**point.world).make() if point.world else None
    return wire_method(point.method, make_scenario(point.method, point.settings, point.seed, world))


def stamped(point: Point) -> Point:
    """The point with the SHA-256 of the networks in its flowgraph, so that results of other weights are not taken for its own."""
    from blocks.learned_block import LearnedBlock

    try:
        learned = wired(point).nodes
    except (ValueError, OSError):
        return point
    return replace(point, weights=" ".join(block.card.sha256 for block in learned if isinstance(block, LearnedBlock)))


def run_point(point: Point) -> np.ndarray:
    """(blocks,) sum rate of coherence blocks 0, 1, ..., the same ones for every method, seed by seed."""
    rates = np.empty(0)
    while len(rates) < point.blocks:
        chunk = min(_CHUNK, point.blocks - len(rates)) if point.precision else point.blocks
        [result] = wired(point).run(blocks=chunk, first=len(rates)).values()
        rates = np.concatenate([rates, result["rates"]])
        if point.precision and half_width(rates) < point.precision * rates.mean():
            break
    return rates


def write_point(point: Point, rates: np.ndarray, folder: Path) -> None:
    """Write rates and what they are of; the file is whole or not there."""
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"block": np.arange(len(rates)), "rate": rates}).replace_schema_metadata({"point": json.dumps(asdict(point))})
    draft = folder / f"{point.file}.part"
    parquet.write_table(table, draft)
    draft.replace(folder / point.file)


def read_point(point: Point, folder: Path) -> np.ndarray | None:
    """The rates of a point that was finished with the same blocks, precision and weights, else None. Raises ValueError for a damaged
    file."""
    import pyarrow
    from pyarrow import parquet

    file = folder / point.file
    if not file.is_file():
        return None
    try:
        table = parquet.read_table(file)
        same = json.loads(table.schema.metadata[b"point"]) == json.loads(json.dumps(asdict(point)))
        return table.column("rate").to_numpy() if same else None
    except (pyarrow.ArrowException, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is no point of a sweep ({error}): remove it") from None


def compared(pairs: list[tuple[Point, np.ndarray]], reference: str) -> list[dict]:
    """One row for each method and setting, over its seeds: mean rate, and its share of `reference` on the same blocks, with 95 % intervals.

    Where one of the two stopped early, the share is over the blocks that both have.
    """
    bound = {(_key(p), p.seed): rates for p, rates in pairs if p.method == reference}
    grouped: dict[tuple, list] = {}
    for p, rates in pairs:
        grouped.setdefault((p.method, _key(p)), []).append((p, rates))
    rows = []
    for (method, key), members in grouped.items():
        rates = np.concatenate([r for _, r in members])
        row = {
            "method": method,
            **members[0][0].settings,
            "seeds": len(members),
            "blocks": len(rates),
            "rate": float(rates.mean()),
            "ci95": half_width(rates),
            "share": None,
            "share_ci95": None,
        }
        both = [(r, bound[key, p.seed]) for p, r in members if (key, p.seed) in bound]
        if both:
            ours, theirs = (np.concatenate(side) for side in zip(*((a[: len(b)], b[: len(a)]) for a, b in both), strict=True))
            row["share"], row["share_ci95"] = share(ours, theirs)
        rows.append(row)
    return rows


def _key(point):
    return tuple(sorted(point.settings.items()))
