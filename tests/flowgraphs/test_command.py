"""The command `calibeam` and its programs."""

import os
import sys
import textwrap

import pytest

from flowgraphs import __main__ as calibeam
from tests.program import finished


def test_help_lists_the_programs_and_imports_none_of_them():
    program = """
        import sys
        from flowgraphs.__main__ import main
        sys.argv = ["calibeam", "--help"]
        try:
            main()
        except SystemExit:
            imported = {"torch", "distributed", "lightning", "matplotlib", "flowgraphs.sweep"} & sys.modules.keys()
            print("imported:", sorted(imported))
    """
    done = finished("-c", textwrap.dedent(program))
    assert "imported: []" in done.stdout, done.stdout + done.stderr
    for name in ("base-station", "keygen", "report", "reproduce", "sweep"):
        assert f"│ {name} " in done.stdout


@pytest.mark.parametrize("name", ["", *calibeam.programs()])
def test_help_fits_in_80_columns(name, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = command(calibeam.main, *name.split(), "--help")
    assert done.code == 0 and f"Usage: {' '.join(['calibeam', *name.split()])} " in done.out
    assert max(map(len, done.out.splitlines())) <= 80 and "…" not in done.out


def test_a_program_alone_is_its_subcommand(command, tmp_path):
    alone = finished("flowgraphs/sweep.py", "--blocks", "0")
    below = command(calibeam.main, "sweep", "--blocks", "0")
    assert alone.returncode == below.code == 2
    assert alone.stderr == below.err == "error: blocks=0 has to be at least 1\n"


def test_without_a_program_the_link_runs(command):
    done = command(calibeam.main, "--blocks", "5", "--no-compare")
    assert done.code == 0 and "this link" in done.out


def test_options_of_the_link_are_refused_before_a_program(command, tmp_path):
    done = command(calibeam.main, "--antennas", "32", "keygen", tmp_path / "keys")
    assert done.code == 2 and "--antennas would have no effect" in done.err and not (tmp_path / "keys").exists()


def test_an_unknown_program_or_option_is_one_line(command):
    done = command(calibeam.main, "swep")
    assert done.code == 2 and "No such command 'swep'. Did you mean 'sweep'?" in done.err and len(done.err.splitlines()) == 1
    done = command(calibeam.main, "sweep", "--seed", "1")
    assert done.code == 2 and "--seeds" in done.err and len(done.err.splitlines()) == 1


def test_versions_of_what_decides_a_result_are_printed(command):
    done = command(calibeam.main, "--version")
    assert done.code == 0
    assert {"calibeam", "python", "numpy", "numba", "torch"} <= {line.split()[0] for line in done.out.splitlines()}


def test_the_shell_completes_programs_and_options():
    done = finished(
        "-m", "flowgraphs", env={**os.environ, "_CALIBEAM_COMPLETE": "complete_bash", "COMP_WORDS": "calibeam swe", "COMP_CWORD": "1"}
    )
    assert "sweep" in done.stdout.split(), done.stderr


def test_a_program_makes_its_options_of_the_command_line(monkeypatch, command):
    class Fake:
        @staticmethod
        def make_app(arguments):
            raise ValueError(f"made of {arguments}")

    monkeypatch.setitem(sys.modules, "flowgraphs.keygen", Fake)
    assert "made of ['--network', 'mine']" in command(calibeam.main, "keygen", "--network", "mine").err


def test_keys_are_made(command, tmp_path):
    done = command(calibeam.main, "keygen", tmp_path / "keys")
    assert done.code == 0 and (tmp_path / "keys" / "server.key_secret").is_file()
    again = command(calibeam.main, "keygen", tmp_path / "keys")
    assert again.code == 2 and "holds keys already" in again.err
