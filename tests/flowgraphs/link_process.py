"""The link as a program of its own, and in this process."""

import json

from flowgraphs import fdd_e2e
from flowgraphs.wiring.command_line import run as run_app
from tests.program import finished

PROGRAM = "flowgraphs/fdd_e2e.py"


def main():
    run_app(fdd_e2e.app)


def run(*options, **extra):
    return finished(PROGRAM, *options, timeout_s=120, **extra)


def measured(tmp_path, *options):
    done = run("--blocks", "150", "--quiet", "--json", str(tmp_path / "r.json"), *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return json.loads((tmp_path / "r.json").read_text())
