"""Which output feeds which input, when a user names no ports."""

from __future__ import annotations

from blocks.runtime.block import Block
from blocks.runtime.errors import WiringError


def default_links(source: Block, target: Block) -> list[tuple[str, str]]:
    """(output, input) pairs: ports of the same name, else the only output to the only input that has to be fed.

    Raises WiringError where neither rule gives a pair.
    """
    same = [(name, name) for name in target.inputs if name in source.outputs]
    if same:
        return same
    required = [name for name, signal in target.inputs.items() if not signal.optional] or list(target.inputs)
    if len(source.outputs) == 1 and len(required) == 1:
        return [(next(iter(source.outputs)), required[0])]
    raise WiringError(
        f"cannot tell how to connect {source.name} (outputs {', '.join(source.outputs) or 'none'}) to {target.name} "
        f'(inputs {", ".join(target.inputs) or "none"}): name the ports, connect((a, "out"), (b, "in"))'
    )


def name_of(block: Block, taken: set[str]) -> str:
    """The block's own name, or its class name with a number where that is taken."""
    wanted = block.name or type(block).__name__
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
