"""What the README and the manual print is so: programs run as they stand, commands run or are accepted, options and blocks exist."""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from importlib import import_module

import pytest

from blocks import PALETTE
from tests.manual import PAGES, ROOT, commands, files, options, small
from tests.program import finished, started

README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULE, FUNCTION = PROJECT["scripts"]["calibeam"].split(":")
SWAP, SENDER, PRECODER, RECEIVER = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
PRINTED = list({(c.text): c for page in PAGES for c in commands(page)}.values())
pytestmark = pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # programs run in the process of the tests
NAMED = {"ids": lambda command: command.text}
PROGRAMS = [c for c in PRINTED if c.words[0] in ("calibeam", "python") and "benchmarks/" not in c.text]
OTHERS = [c for c in PRINTED if c not in PROGRAMS and c.words[0].endswith(("python", "python3"))]
RUN_HERE = [c for c in commands(ROOT / "README.md") if c.needs_checkout and not c.not_run]


def program(text, tmp_path, name):
    file = tmp_path / name
    file.write_text(text.replace("tcp://127.0.0.1:5555", f"ipc://{tmp_path}/in").replace("tcp://127.0.0.1:5556", f"ipc://{tmp_path}/out"))
    return started(file)


def test_swapped_block_prints_a_rate(tmp_path):
    with program(SWAP, tmp_path, "swap.py") as process:
        output, errors = process.communicate(timeout=60)
    assert float(output) > 1, errors
    assert len([line for line in SWAP.splitlines() if line]) <= 15


def test_foreign_programs_give_channels_and_get_their_precoders(tmp_path):
    with (
        program(PRECODER, tmp_path, "precoder.py") as precoder,
        program(RECEIVER, tmp_path, "receiver.py") as receiver,
        program(SENDER, tmp_path, "sender.py") as sender,
    ):
        said = []
        for each in (sender, precoder, receiver):
            output, errors = each.communicate(timeout=60)
            assert each.returncode == 0, errors
            said.append(output.splitlines())
    *frames, end = said[2]
    assert end.strip() == "end" and frames[0] == "v (64, 64, 8) from coherence block 0" and len(frames) == 10


@pytest.fixture
def checkout(tmp_path):
    """A folder like this checkout, with an out/ of its own and the files that the manual has its reader write."""
    for folder in ("flowgraphs", "trained", "docs", "benchmarks"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    for page in PAGES:
        for name, text in files(page).items():
            (tmp_path / name).write_text(text)
    return tmp_path


def in_a_process(words, folder):
    call = ["-c", f"import sys; sys.argv[0] = 'calibeam'; from {MODULE} import {FUNCTION}; {FUNCTION}()"] if words[0] == "calibeam" else []
    return finished(*call, *words[1:], timeout_s=240, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300"})


@pytest.fixture
def said(monkeypatch, capsys, checkout):
    """Runs a printed command: its exit code and all that it said. A class of the reader's own is loaded in a process of its own."""

    def run(words):
        if any(".py:" in word for word in words):
            done = in_a_process(words, checkout)
            return done.returncode, done.stdout + done.stderr
        monkeypatch.chdir(checkout)
        monkeypatch.setenv("COLUMNS", "300")
        monkeypatch.setattr(sys, "argv", words if words[0] == "calibeam" else words[1:])
        try:
            if words[0] == "calibeam":
                getattr(import_module(MODULE), FUNCTION)()
            elif words[1] == "-m":
                monkeypatch.setattr(sys, "argv", words[2:])
                runpy.run_module(words[2], run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(str(ROOT / words[1]), run_name="__main__")
        except SystemExit as ended:
            return ended.code or 0, "".join(capsys.readouterr())
        except (ImportError, OSError) as error:
            return 1, str(error)
        return 1, f"{words[:3]} is no program"

    return run


@pytest.mark.parametrize("printed", PROGRAMS, **NAMED)
def test_the_options_of_a_printed_command_are_accepted(printed, said):
    *words, last = printed.words  # an option may stand there without its value
    code, output = said([*words, *([] if last.startswith("--") else [last]), "--help"])  # --help comes after the others have been looked up
    assert code == 0, output
    assert not last.startswith("--") or last in options(output)


def test_a_wrong_option_would_be_found(said):
    for text in ("calibeam --antenas 4 --help", "python flowgraphs/sweep.py --seed 3 --help", "calibeam keygen --loud keys --help"):
        code, output = said(text.split())
        assert code == 2 and "No such option" in output


@pytest.mark.timeout(300)
@pytest.mark.parametrize("printed", RUN_HERE, **NAMED)
def test_a_printed_command_runs_in_a_checkout(printed, said, checkout):
    done = in_a_process([*printed.words, *small(said([*printed.words, "--help"])[1])], checkout)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("printed", [c for c in PRINTED if c.words[0] == "make"], **NAMED)
def test_a_printed_target_of_make_exists(printed):
    subprocess.run(["make", "--dry-run", *printed.words[1:]], cwd=ROOT, check=True, capture_output=True, timeout=20)


def test_printed_extras_exist():
    extras = {extra for page in PAGES for extra in re.findall(r"calibeam\[(\w+)\]", page.read_text())}
    assert extras and extras <= PROJECT["optional-dependencies"].keys()


@pytest.mark.parametrize(
    "printed", [c for c in PRINTED if c not in PROGRAMS and c.words[0].endswith(("python", "python3"))], ids=lambda c: c.text
)
def test_a_printed_program_of_another_kind_has_its_options(printed):
    assert options(printed.text) <= options((ROOT / printed.words[1]).read_text())


def test_options_that_the_manual_names_exist(said):
    """In a program that the manual calls, in one of GNU Radio, or in a command with a class of the reader's own, which is tried above."""
    known = options(" ".join(c.text for c in PROGRAMS if ".py:" in c.text))
    known |= options("".join(file.read_text() for file in (ROOT / "flowgraphs" / "gnuradio").glob("*.py")))
    for words in {tuple(c.words[: 3 if c.words[1:2] == ["-m"] else 2]) for c in PROGRAMS if len(c.words) > 1}:
        known |= options(said([*(w for w in words if not w.startswith("--")), "--help"])[1])
    named = {page.name: options(page.read_text()) for page in PAGES}
    assert len(named["README.md"]) > 15 and len(named["radio.md"]) > 15
    assert {page: found - known for page, found in named.items() if found - known} == {}


def test_the_palette_lists_every_block(said):
    code, output = said(["calibeam", "palette"])
    assert code == 0 and {name for name in PALETTE if name not in output} == set()
