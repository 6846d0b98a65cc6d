"""What the program of the link shows, writes and refuses."""

import inspect
import json
import os
import pty
import re
import signal
from contextlib import suppress

import numpy as np
import pytest

from flowgraphs.wiring.link import wire
from sim.world.scenario import Scenario
from sim.world.tracer import trace
from tests.flowgraphs.link_process import PROGRAM, main, measured, run
from tests.program import started
from tests.sim.world.test_deepmimo import ROOM, write_v4


def test_deepmimo_folders_take_the_place_of_the_room(tmp_path):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    found = measured(tmp_path, "--deepmimo", *folders, "--users", "3", "--calibration", "none", "--blocks", "40")
    assert found["scenario"]["world"]["uplink"] == folders[0]
    assert found["methods"]["zf_perfect_csi"]["sum_rate"] > 5
    done = run("--deepmimo", *folders, "--users", "3", "--blocks", "40", "--no-compare")
    assert "note: the weights calibrated-m64 were trained in another world" in done.stdout


def test_plain_output_ends_with_the_table_and_writes_the_plot(tmp_path):
    done = run("--blocks", "60", "--plot", str(tmp_path / "cdf.png"))
    assert done.returncode == 0, done.stderr
    for text in ("this link", "WMMSE, perfect CSI", "blocks/s", "p99"):
        assert text in done.stdout
    assert (tmp_path / "cdf.png").read_bytes().startswith(b"\x89PNG")
    assert done.stderr == ""


def test_terminal_shows_a_live_table():
    main, other = pty.openpty()
    terminal = {"stdout": other, "stderr": other, "env": {**os.environ, "TERM": "xterm", "COLUMNS": "100"}}
    with (
        started(PROGRAM, "--blocks", "1500", "--no-compare", **terminal) as program,
        open(main, "rb", 0) as screen,
    ):
        os.close(other)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while piece := screen.read(4096):
                shown += piece
        assert program.wait(60) == 0
    assert b"busy" in shown and b"blocks/s" in shown


def test_wiring_is_short_enough_to_read_in_one_screen():
    assert len(inspect.getsource(wire).splitlines()) <= 20


def test_reference_that_fails_is_told_of_and_loses_nothing(tmp_path):
    done = run("--users", "64", "--calibration", "none", "--blocks", "3", "--json", str(tmp_path / "r.json"))
    assert done.returncode == 0, done.stderr
    assert "note: ZF, perfect CSI" in done.stdout and "linearly dependent" in done.stdout
    methods = json.loads((tmp_path / "r.json").read_text())["methods"]
    assert methods["zf_perfect_csi"] is None and methods["link"]["sum_rate"] > 1


@pytest.mark.parametrize(
    "options",
    [
        ("--blocks", "1"),
        ("--blocks", "1", "--no-compare"),
        ("--users", "1", "--blocks", "5"),
        ("--antennas", "16", "--users", "16", "--blocks", "5"),
        ("--antennas", "1", "--users", "1", "--blocks", "5", "--calibration", "none"),
    ],
)
def test_smallest_links_run(options, tmp_path):
    done = run(*options, "--plot", str(tmp_path / "p.svg"), "--json", str(tmp_path / "r.json"))
    assert done.returncode == 0, done.stderr
    json.loads((tmp_path / "r.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--estimator", "ls", "--calibration", "calibrated-perfect"), "--estimator would have no effect: .* hears the true channel"),
        (("--pilots", "8", "--calibration", "calibrated-perfect", "--no-compare"), "--pilots would have no effect"),
        (("--estimator", "lmmse", "--calibration", "data-driven-m64-k8"), "hears the received pilots themselves"),
        (("--device", "cpu", "--calibration", "none", "--precoder", "zf"), "--device would have no effect"),
        (("--precoder", "zf", "--base-station", "ipc:///tmp/none"), "--precoder would have no effect: the base station is the receiver"),
        (("--curve", "keys"), "--curve would have no effect: it is for --base-station"),
        (("--rates",), "--rates would have no effect: it is for --json"),
        (("--array-axis", "1", "0", "0"), "--array-axis would have no effect: it is for --deepmimo"),
        (("--deepmimo", "a", "b", "--world", "my.py:Mine"), "a link has one world"),
    ],
)
def test_options_without_effect_are_refused_with_the_reason(options, reason, command):
    code, output, errors = command(main, *options)
    assert code == 2 and re.search(reason, errors) and len(errors.splitlines()) == 1 and output == ""


def test_a_link_that_hears_the_true_channel_is_called_so(command):
    done = command(main, "--calibration", "calibrated-perfect", "--blocks", "5", "--no-compare")
    assert "this link (true channel)" in done.out


def test_places_where_nothing_can_be_written_are_found_out_before_anything_runs(command, monkeypatch, tmp_path):
    monkeypatch.setattr(Scenario, "prepare", lambda self: pytest.fail("the simulation began"))
    for option in ("--json", "--plot"):
        (tmp_path / "folder.png").mkdir(exist_ok=True)
        assert "is a folder" in command(main, option, tmp_path / "folder.png").err
        assert "cannot write /proc/r.png" in command(main, option, "/proc/r.png").err


def test_json_has_the_rate_of_every_block_where_asked_for(tmp_path):
    found = measured(tmp_path, "--rates", "--blocks", "20", "--no-compare")["methods"]["link"]
    assert len(found["rates"]) == 20 and np.mean(found["rates"]) == pytest.approx(found["sum_rate"])


def test_ctrl_c_prints_and_writes_what_is_done(tmp_path):
    file = tmp_path / "r.json"
    with started(PROGRAM, "--blocks", "1000000", "--json", file, "--rates", env={**os.environ, "PYTHONUNBUFFERED": "1"}) as link:
        line = link.stdout.readline()
        while "blocks/s" not in line or " 0/" in line:
            assert link.poll() is None, link.stderr.read()
            line = link.stdout.readline()
        link.send_signal(signal.SIGINT)
        out, err = link.communicate(timeout=30)
    assert link.returncode == 130 and err == ""
    assert "which is partial" in out and "of 1000000 blocks" in out
    found = json.loads(file.read_text())
    assert found["partial"] and 0 < len(found["methods"]["link"]["rates"]) < 1000000
    assert found["methods"]["wmmse_perfect_csi"] is None


OWN = """
from blocks import Block, Signal
from sim.precoding import zero_forcing


class Mine(Block):
    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, power):
        self.power = power

    def work(self, h_est):
        return zero_forcing(h_est, self.power)


class Strange(Mine):
    def __init__(self, power, colour):
        super().__init__(power)
"""


def test_a_precoder_of_a_users_own_takes_the_place_of_ours(tmp_path):
    (tmp_path / "my.py").write_text(OWN)
    options = ("--calibration", "none", "--blocks", "20")
    own, ours = (measured(tmp_path, *options, "--precoder", name) for name in (f"{tmp_path}/my.py:Mine", "zf"))
    assert own["methods"]["link"]["sum_rate"] == ours["methods"]["link"]["sum_rate"]
    assert any("Mine.v" in line for line in own["graph"]["connections"])


def test_a_precoder_of_a_users_own_that_does_not_fit_is_named(tmp_path, command):
    (tmp_path / "my.py").write_text(OWN)
    for name, words in (("Strange", "Strange needs colour"), ("Nobody", "has no class Nobody"), ("Block", "it needs an input h_est")):
        done = command(main, "--precoder", f"{tmp_path}/my.py:{name}")
        assert done.code == 2 and words in done.err


def test_transmitter_and_array_axis_are_those_of_the_deepmimo_world(tmp_path, command):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    options = ("--deepmimo", *folders, "--users", "3", "--calibration", "none", "--blocks", "20")
    along_y, along_x = (measured(tmp_path, *options, "--array-axis", *axis)["methods"]["link"]["sum_rate"] for axis in ("010", "100"))
    assert along_x != along_y
    done = command(main, *options, "--transmitter", "77")
    assert done.code == 2 and "77" in done.err


WORLD = """
from dataclasses import dataclass

from sim.world.room import Room


@dataclass(frozen=True)
class Mine(Room):
    pass
"""


def test_a_world_of_a_users_own_takes_the_place_of_the_room(tmp_path):
    (tmp_path / "my.py").write_text(WORLD)
    own = measured(tmp_path, "--world", f"{tmp_path}/my.py:Mine", "--blocks", "20", "--no-compare")
    ours = measured(tmp_path, "--blocks", "20", "--no-compare")
    assert own["methods"]["link"]["sum_rate"] == ours["methods"]["link"]["sum_rate"]
