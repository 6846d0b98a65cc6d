"""Points of a sweep: one method in one scenario, run as a flowgraph, kept as a Parquet file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

_CHUNK = 200


@dataclass(frozen=True)
class Point:
    """settings: fields of the scenario; blocks: the most coherence blocks; precision: half width of the 95 % interval over the mean at
    which fewer will do (0: never); weights: SHA-256 of the networks in its flowgraph, see `stamped`."""

    method: str
    settings: dict = field(default_factory=dict)
    seed: int = 0
    blocks: int = 1000
    precision: float = 0.0
    weights: str = ""

    @property
    def name(self) -> str:
        """File name without suffix; blocks and precision are not part of it."""
        parts = [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in sorted(self.settings.items())]
        return ",".join([self.method.replace("/", "_"), *parts, f"seed={self.seed}"])


def stamped(point: Point) -> Point:
    """The point with the SHA-256 of the networks in its flowgraph, so that results of other weights are not taken for its own."""
    from blocks.learned_block import LearnedBlock
    from flowgraphs.wiring.methods import make_scenario, wire_method

    try:
        learned = wire_method(point.method, make_scenario(point.method, point.settings)).nodes
    except (ValueError, OSError):
        return point
    return replace(point, weights=" ".join(block.card["sha256"] for block in learned if isinstance(block, LearnedBlock)))


def run_point(point: Point) -> np.ndarray:
    """(blocks,) sum rate of coherence blocks 0, 1, ..., the same ones for every method, seed by seed."""
    from flowgraphs.wiring.methods import make_scenario, wire_method

    scenario = make_scenario(point.method, {**point.settings, "seed": point.seed})
    rates = np.empty(0)
    while len(rates) < point.blocks:
        chunk = min(_CHUNK, point.blocks - len(rates)) if point.precision else point.blocks
        [result] = wire_method(point.method, scenario).run(blocks=chunk, first=len(rates)).values()
        rates = np.concatenate([rates, result["rates"]])
        if point.precision and 1.96 * rates.std(ddof=1) / len(rates) ** 0.5 < point.precision * rates.mean():
            break
    return rates


def write_point(point: Point, rates: np.ndarray, folder: Path) -> None:
    """Write rates and what they are of; the file is whole or not there."""
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"block": np.arange(len(rates)), "rate": rates}).replace_schema_metadata({"point": json.dumps(asdict(point))})
    draft = folder / f"{point.name}.part"
    parquet.write_table(table, draft)
    draft.replace(folder / f"{point.name}.parquet")


def read_point(point: Point, folder: Path) -> np.ndarray | None:
    """The rates of a point that was finished with the same blocks, precision and weights, else None. Raises ValueError for a damaged
    file."""
    import pyarrow
    from pyarrow import parquet

    file = folder / f"{point.name}.parquet"
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
            row["share"] = float(ours.mean() / theirs.mean())
            row["share_ci95"] = half_width(ours - row["share"] * theirs) / float(theirs.mean())
        rows.append(row)
    return rows


def half_width(values: np.ndarray) -> float:
    """Half width of the 95 % interval of a mean."""
    return float(1.96 * values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")


def _key(point):
    return tuple(sorted(point.settings.items()))
