import sys

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a program's main function in this process: (exit code, standard output, standard error)."""
    def run(main, *options):
        monkeypatch.setattr(sys, "argv", ["program", *map(str, options)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()
    return run
