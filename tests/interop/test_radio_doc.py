"""The worked example of docs/radio.md: its program and its command, run as they stand there, print what stands there."""

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.flowgraphs.base_station_process import DEADLINE_S, base_station
from tests.interop.test_gnuradio import PYTHON

pytestmark = [pytest.mark.gnuradio, pytest.mark.skipif(PYTHON is None, reason="GNU Radio is not installed; make test-interop installs it")]
SECTION = Path("docs/radio.md").read_text().split("## A flowgraph of your own\n")[1].split("\n## ")[0]
PROGRAM, COMMAND, OUTPUT = (
    dedent(block).strip("\n") + "\n" for block in re.findall(r"(?:^    .*\n|(?<=\n)\n(?=    ))+", SECTION, re.M) if block.strip()
)


def heard(tmp_path, command):
    """What the program prints beside the base station of this command."""

    def here(text):
        return text.replace("tcp://127.0.0.1:5555", f"ipc://{tmp_path}/up").replace("tcp://127.0.0.1:5556", f"ipc://{tmp_path}/down")

    program, options = tmp_path / "program.py", here(command).replace("\\\n", " ").split()
    assert options[:2] == ["calibeam", "base-station"]
    program.write_text(here(PROGRAM))
    with base_station(*options[2:], link=()) as (_, said):
        done = subprocess.run([PYTHON, program], capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode == 0, done.stderr
    assert "WARNING" not in said[0], said[0]
    return done.stdout


def test_the_worked_example_prints_what_the_page_says(tmp_path):
    assert heard(tmp_path, COMMAND) == OUTPUT


def test_without_conjugate_users_hear_each_other(tmp_path):
    matrices = re.findall(r"\[\[(\S+)\s+(\S+)\]\n \[(\S+)\s+(\S+)\]\]", heard(tmp_path, COMMAND.replace("--conjugate", "")))
    assert len(matrices) == 3 and all(max(float(matrix[1]), float(matrix[2])) > 0.1 for matrix in matrices)
