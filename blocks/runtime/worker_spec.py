"""What a worker is told before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from blocks.runtime.block import Block, Shape


@dataclass(frozen=True)
class Edge:
    """One socket between two workers; it carries the arrays of all connections between them."""

    number: int
    source: str
    target: str
    ports: tuple[tuple[str, str], ...]
    bind: str

    def __str__(self) -> str:
        outs, ins = (",".join(names) for names in zip(*self.ports, strict=True))
        return f"{self.source}.{outs} -> {self.target}.{ins}"


@dataclass(frozen=True)
class WorkerSpec:
    """Everything that a worker needs to know; picklable."""

    number: int
    block: Block
    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]
    shapes: dict[str, Shape]
    blocks: int | None
    batch: int
    queue: int
