"""The palette, and the blocks of other people's packages in it."""

import subprocess
import sys

import pytest

import blocks

PACKAGE = """
from blocks import Block, Signal
import blocks

class Theirs(Block):
    outputs = {"x": Signal(2)}

class NoBlock:
    pass
"""

POINTS = """[calibeam.blocks]
Theirs = their_blocks:Theirs
NoBlock = their_blocks:NoBlock
Missing = their_blocks:Missing
Broken = their_broken:Mine
ZFPrecoder = their_blocks:Theirs
"""


@pytest.fixture
def run(tmp_path):
    """Runs lines in a process where the package is installed: its standard output, and its standard error."""
    (tmp_path / "their_blocks.py").write_text(PACKAGE)
    (tmp_path / "their_broken.py").write_text("import no_such_thing")
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)

    def run(lines):
        program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{lines}"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return run


def test_blocks_of_other_packages_are_in_the_palette_and_broken_ones_are_named(run):
    out, err = run(
        "import blocks; print(blocks.PALETTE['Theirs'].__module__, blocks.PALETTE['ZFPrecoder'].__module__, len(blocks.PALETTE))"
    )
    assert out.split() == ["their_blocks", "blocks.precode.zf_precoder", str(len(blocks._OURS) + 1)]
    assert err.splitlines() == [
        "block NoBlock of the package their-package is left out: TypeError: their_blocks:NoBlock is no Block",
        "block Missing of the package their-package is left out: AttributeError: module 'their_blocks' has no attribute 'Missing'",
        "block Broken of the package their-package is left out: ModuleNotFoundError: No module named 'no_such_thing'",
        "block ZFPrecoder of the package their-package is left out: ValueError: there is a block of that name already",
    ]


def test_a_package_that_is_imported_first_finds_its_block_in_the_palette_too(run):
    assert run("import their_blocks, blocks; print(blocks.PALETTE['Theirs'] is their_blocks.Theirs)")[0] == "True\n"


def test_no_other_package_is_imported_before_somebody_asks(run):
    assert run("import sys\nfrom blocks import *\nprint('their_blocks' in sys.modules)") == ("False\n", "")


def test_a_block_that_there_is_not_is_named():
    with pytest.raises(AttributeError, match=r"no attribute 'ZFPrecodr'; blocks\.PALETTE lists"):
        _ = blocks.ZFPrecodr
