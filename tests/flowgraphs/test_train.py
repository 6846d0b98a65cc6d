import json
import os
import signal
import sys

import pytest
import torch
from safetensors.torch import load_file

from flowgraphs.train import main
from sim.world.tracer import trace
from tests.program import finished, started, until
from tests.sim.world.test_deepmimo import ROOM, write_v4
from trained.card import Card
from trained.store import SHIPPED

SMALL = ("--antennas", "16", "--max-users", "4", "--batch", "8", "--seed", "3", "--name", "tiny", "--blocks", "10")
NETWORK = ("--network", "calibrated-perfect", "--width", "8")


@pytest.fixture
def places(tmp_path):
    """The options of a small world."""
    table = trace(ROOM, ROOM.positions())
    return ("--deepmimo", *(write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))))


@pytest.fixture
def train_tiny(command, tmp_path):
    """Trains into a folder: what the command said."""

    def trained(*options, folder=tmp_path, base=SMALL):
        return command(main, *base, "--folder", folder, "--logs", folder / "logs", *options)

    return trained


def test_options_of_the_network_of_the_world_and_of_the_run_are_those_of_the_card(train_tiny, places, tmp_path):
    done = train_tiny("--regions", "3", "--hidden", "8", "--steps", "2", *places)
    assert done.code == 0, done.err
    card = Card.read(tmp_path / "tiny.json")
    assert (card.config["regions"], card.config["hidden"], card.training["steps"], card.training["seed"]) == (3, 8, 2, 3)
    assert card.world == "deepmimo" and card.scenario["world"]["downlink"] == places[2]
    assert "of WMMSE" in done.out and done.err == ""


def test_a_card_trains_the_same_weights_again(train_tiny, places, tmp_path):
    assert train_tiny("--regions", "3", "--hidden", "8", "--steps", "3", *places).code == 0
    base = ("--name", "tiny", "--blocks", "10")
    again = train_tiny("--config", tmp_path / "tiny.json", "--quiet", folder=tmp_path / "again", base=base)
    assert again == (0, "", "")
    first, second = (load_file(folder / "tiny.safetensors") for folder in (tmp_path, tmp_path / "again"))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_options_beside_a_card_win(train_tiny, places, tmp_path):
    assert train_tiny("--regions", "3", "--hidden", "8", "--steps", "2", *places).code == 0
    done = train_tiny("--config", tmp_path / "tiny.json", "--steps", "1", "--hidden", "6", folder=tmp_path / "again")
    assert done.code == 0, done.err
    card = Card.read(tmp_path / "again" / "tiny.json")
    assert (card.training["steps"], card.config["hidden"], card.config["regions"]) == (1, 6, 3)


def test_a_first_training_never_touches_shipped_weights(command, tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path / "own"))
    before = {file.name: file.stat().st_mtime_ns for file in SHIPPED.iterdir()}
    options = (*NETWORK, "--world", "rayleigh", "--antennas", "16", "--steps", "1", "--blocks", "4", "--logs", tmp_path / "logs")
    assert command(main, *options).code == 0
    assert (tmp_path / "own" / "calibrated-perfect.safetensors").is_file()
    assert {file.name: file.stat().st_mtime_ns for file in SHIPPED.iterdir()} == before
    again = command(main, *options)
    assert again.code == 2 and "--force to replace it" in again.err and len(again.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--min-users", "9"), "min_users=9 is above max_users=4"),
        (("--config", "/nowhere/card.json"), "card.json"),
        (("--network", "magic"), "network='magic' is not one of"),
        (("--precision", "3-mixed"), "3-mixed"),
        (("--precision", "16-mixed"), "needs a GPU"),
        (("--devices", "0"), "devices=0"),
        (("--blocks", "1"), "blocks=1"),
        (("--devices", "17"), "batch=8 cannot be shared"),
        (("--device", "abacus"), "abacus"),
        (("--regions", "0"), "regions=0"),
        (("--folder", str(SHIPPED)), "holds the shipped weights"),
        (("--deepmimo", "/nowhere", "/nowhere"), "/nowhere is not a folder"),
        (("--network", "calibrated-perfect", "--regions", "4"), "--regions"),
    ],
)
def test_bad_command_is_one_line_and_exit_code_2(train_tiny, options, message):
    done = train_tiny(*options)
    assert done.code == 2
    assert done.err.startswith("error: ") and message in done.err and len(done.err.splitlines()) == 1


def test_what_training_needs_beyond_streaming_is_named(train_tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    done = train_tiny()
    assert done.code == 2 and "pip install 'calibeam[train]'" in done.err


def test_ctrl_c_before_the_first_step_is_quiet(train_tiny, monkeypatch):
    monkeypatch.setattr("trained.training.loop.started_network", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    done = train_tiny("--steps", "5")
    assert (done.code, done.err) == (130, "") and "stopped outside of training" in done.out


def arguments(folder, *options):
    return ("-m", "flowgraphs.train", *SMALL, *NETWORK, "--world", "rayleigh", "--folder", folder, "--logs", folder / "logs", *options)


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_goes_on(tmp_path):
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    with started(*arguments(tmp_path, "--steps", "2000"), env=one_thread) as process:
        until(lambda: (tmp_path / "tiny.checkpoint").exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == "" and "the same command goes on from" in out
    with started(*arguments(tmp_path, "--steps", "2000"), env=one_thread) as process:
        lines = iter(process.stdout.readline, "")
        assert any("going on from step" in line for line in lines)
    assert not (tmp_path / "tiny.safetensors").exists()


def test_two_processes_train_what_one_does(tmp_path):
    """gloo on the CPU; every process has its part of the same batch, so that only rounding differs."""
    found = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        done = finished(
            *arguments(folder, "--steps", "6", "--devices", str(processes)), timeout_s=240, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        assert done.returncode == 0, done.stderr
        assert json.loads((folder / "tiny.json").read_text())["training"]["processes"] == processes
        assert done.stdout.count("step 6 ") == 1
        found.append(load_file(folder / "tiny.safetensors"))
    for name, one in found[0].items():
        torch.testing.assert_close(found[1][name].float(), one.float(), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(("network", "option"), [("calibrated", "--mixture-rate"), ("unfolding", "--begin")])
def test_help_has_the_options_of_the_network_and_reads_like_a_manual_page(command, monkeypatch, network, option):
    monkeypatch.setenv("COLUMNS", "120")
    done = command(main, "--network", network, "--help")
    said = " ".join(done.out.split())
    for part in (
        "What it is for",
        "How it learns",
        "How it runs",
        f"The network {network}",
        option,
        "--config",
        "--nodes",
        "goes on from it",
    ):
        assert part in said
