import os
import sys
import tempfile
from typing import NamedTuple

import numpy as np
import pytest

# weights that somebody trained on this machine are not those that are tested
os.environ["CALIBEAM_WEIGHTS"] = tempfile.mkdtemp(prefix="calibeam-weights-")


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a program's main function in this process: its exit code, standard output and standard error."""

    def run(main, *options):
        monkeypatch.setattr(sys, "argv", ["program", *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(ended.value.code or 0, *capsys.readouterr())

    return run
