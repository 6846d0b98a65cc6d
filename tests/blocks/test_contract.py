"""Every block of the palette keeps the contract in blocks/testing.py, on the EXAMPLE of its own test."""

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
HELD = [kind for kind in KINDS if not kind.outside]


@functools.cache
def contract(kind):
    return Contract(*importlib.import_module(KINDS[kind]).EXAMPLE)


def test_every_block_of_every_folder_is_exported():
    outside_rooms = [
        file for file in FOLDER.rglob("*.py") if file.parent not in ROOMS and file.parent.name != "runtime" and file.name != "testing.py"
    ]
    assert {kind for file in outside_rooms for kind in kinds_of(file)} == set()
    assert set(KINDS) <= set(blocks.PALETTE.values())


@pytest.mark.parametrize("kind", HELD, ids=lambda k: k.__name__)
def test_every_block_has_an_example_of_itself_in_its_test(kind):
    made = contract(kind).make()
    assert isinstance(made, kind)


@pytest.mark.parametrize("kept", Contract.properties)
@pytest.mark.parametrize("kind", HELD, ids=lambda k: k.__name__)
def test_blocks_keep_the_contract(kind, kept):
    contract(kind).check(kept)
