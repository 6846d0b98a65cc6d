"""Every block of the palette keeps the contract in blocks/testing.py, on the EXAMPLE of its own test, and on MORE where it has some."""

import functools
import importlib
from pathlib import Path

import pytest

import blocks
from blocks.testing import Contract

FOLDER = Path(blocks.__file__).parent


def kinds_of(file):
    """The blocks to use that a file defines."""
    name = ".".join(file.relative_to(FOLDER.parent).with_suffix("").parts)
    content = vars(importlib.import_module(name)).values()
    return [v for v in content if isinstance(v, type) and issubclass(v, blocks.Block) and v.__module__ == name and not v.abstract]


ROOMS = [FOLDER / room for room in blocks.ROOMS]
KINDS = {
    kind: f"tests.blocks.{room.name}.test_{file.stem}" for room in ROOMS for file in sorted(room.glob("*.py")) for kind in kinds_of(file)
}


def examples(kind):
    """{what: (make, arrays)} of a block's own test."""
    test = importlib.import_module(KINDS[kind])
    return {kind.__name__: test.EXAMPLE} | {f"{kind.__name__}, {what}": more for what, more in getattr(test, "MORE", {}).items()}


HELD = {what: (kind, *example) for kind in KINDS if not kind.outside for what, example in examples(kind).items()}


@functools.cache
def contract(what):
    return Contract(*HELD[what][1:])


def test_every_block_of_every_folder_is_exported():
    outside_rooms = [
        file for file in FOLDER.rglob("*.py") if file.parent not in ROOMS and file.parent.name != "runtime" and file.name != "testing.py"
    ]
    assert {kind for file in outside_rooms for kind in kinds_of(file)} == set()
    assert set(KINDS) <= set(blocks.PALETTE.values())


@pytest.mark.parametrize("what", HELD)
def test_every_example_is_one_of_the_block_that_is_tested(what):
    assert isinstance(contract(what).make(), HELD[what][0])


@pytest.mark.parametrize("kept", Contract.properties)
@pytest.mark.parametrize("what", HELD)
def test_blocks_keep_the_contract(what, kept):
    contract(what).check(kept)
