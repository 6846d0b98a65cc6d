"""Run one block alone, for tests and notebooks."""

from __future__ import annotations

from typing import Any

import numpy as np

from blocks.runtime.block import Block, Shape, checked_arrays, read_only
from blocks.runtime.dims import Dimensions
from blocks.runtime.errors import WiringError
from blocks.runtime.frame import Frame


def run_block(block: Block, index: range | None = None, tags: dict[str, Any] | None = None, **arrays: Any) -> dict[str, Any]:
    """Outputs by name (or the result, for a sink) of start, one `work` on `arrays`, and stop.

    arrays: one per input, with a leading frame axis; index: the coherence blocks, by default 0, 1, ... Raises WiringError
    for a missing, unknown or ill-shaped input.
    """
    block.name = block.name or type(block).__name__
    unknown = arrays.keys() - block.inputs.keys()
    missing = [n for n, s in block.inputs.items() if not s.optional and n not in arrays]
    if unknown or missing:
        raise WiringError(f"{block.name} takes {', '.join(block.inputs) or 'no inputs'}; got {', '.join(arrays) or 'none'}")
    if index is None:
        index = range(len(next(iter(arrays.values()))) if arrays else 1)
    dimensions = Dimensions()
    dimensions.add(block)
    for owner in getattr(block, "nodes", ()):
        dimensions.add(owner)
    for name, array in arrays.items():
        signal = block.inputs[name]
        if signal.dtype is not None and array.dtype != signal.dtype:
            raise WiringError(f"{block.name}.{name} takes {signal.dtype}, got {array.dtype}")
        if not signal.any_shape and array.ndim != len(signal.dims) + 1:
            raise WiringError(f"{block.name}.{name} takes (B, {', '.join(map(str, signal.dims))}), got shape {array.shape}")
        if len(array) != len(index):
            raise WiringError(f"{block.name}.{name} has {len(array)} coherence blocks, expected {len(index)}")
    block.start()
    try:
        given = Frame(index.start, {n: read_only(np.asarray(a)) for n, a in arrays.items()}, tags, len(index))
        made = [frame for frame in block.transform(iter([given])) if frame is not None]
        if not block.outputs:
            block.end()
            return block.result() or {}
        shapes: dict[str, Shape] = {name: None if s.any_shape else (None,) * len(s.dims) for name, s in block.outputs.items()}
        checked = [checked_arrays(block, frame.arrays, shapes, frame.count) for frame in made]
        if tags is not None:
            for frame in made:
                tags.update(frame.tags)
        return (
            {
                name: read_only(np.concatenate([each[name] for each in checked])) if len(checked) > 1 else checked[0][name]
                for name in block.outputs
            }
            if checked
            else {}
        )
    finally:
        block.stop()
