import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from trained.evaluation.evaluate import Reference
from trained.training.train import app
from typer.testing import CliRunner

from sim.world.scenario import Scenario
from sim.world.tracer import trace
from tests.program import finished, started, until
from tests.sim.world.test_deepmimo import ROOM, write_v4
from trained.store import load_network
from trained.training.drops import Drops
from trained.training.loop import Training, check_checkpoint, started_network, training_scenario
from trained.training.settings import FIXED_USERS, RECIPES, Settings

pytestmark = pytest.mark.timeout(300)
SMALL = {"antennas": 16, "max_users": 4, "steps": 40, "batch": 16, "regions": 12, "cells": 2, "hidden": 32, "seed": 3}
OPTIONS = [
    "--antennas",
    "16",
    "--max-users",
    "4",
    "--batch",
    "16",
    "--regions",
    "12",
    "--cells",
    "2",
    "--hidden",
    "32",
    "--seed",
    "3",
    "--name",
    "tiny",
    "--blocks",
    "50",
]


def process(tmp_path, *options):
    """The command, for a process of its own."""
    return ["-m", "trained.training.train", *OPTIONS, "--folder", str(tmp_path), "--logs", str(tmp_path / "logs"), *options]


def command(tmp_path, *options, base=OPTIONS):
    """The command in this process."""
    return CliRunner().invoke(app, [*base, "--folder", str(tmp_path), "--logs", str(tmp_path / "logs"), *options])


def weights(folder):
    return load_file(folder / "tiny.safetensors")


def assert_equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    done = finished(*process(folder, "--steps", "120"), timeout_s=240)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_command_writes_weights_a_card_logs_and_the_curve(unbroken):
    folder, done = unbroken
    assert "of WMMSE" in done.stdout and done.stderr == ""
    assert sorted(f.name for f in folder.iterdir()) == ["logs", "tiny.json", "tiny.safetensors"]
    assert (folder / "logs" / "tiny.png").read_bytes().startswith(b"\x89PNG")
    assert list((folder / "logs" / "tiny").rglob("metrics.csv")) and list((folder / "logs" / "tiny").rglob("events.out.tfevents.*"))
    metrics = next((folder / "logs" / "tiny").rglob("metrics.csv")).read_text()
    assert "of_wmmse" in metrics and "loss" in metrics
    card = json.loads((folder / "tiny.json").read_text())
    assert [p["step"] for p in card["curve"]["points"]][::25] == [0, 120]
    assert card["curve"]["baselines"].keys() == {"zf_perfect_csi", "ls_zf_uplink"}
    assert [row["users"] for row in card["results"]["rows"]] == [2, 4, 8, 10, 16]


def test_training_raises_the_rate_on_positions_never_seen(unbroken):
    network, card = load_network(str(unbroken[0] / "tiny.safetensors"))
    reference = Reference.of(Scenario(antennas=16, users=4), 200)
    before = reference.rate_of(started_network(Settings(**SMALL))).mean()
    assert reference.rate_of(network).mean() > 1.03 * before
    assert card["curve"]["points"][-1]["of_wmmse"] > card["curve"]["points"][0]["of_wmmse"]


def test_a_card_trains_the_same_weights_again(unbroken, tmp_path):
    again = command(tmp_path, "--config", str(unbroken[0] / "tiny.json"), "--quiet", base=["--name", "tiny", "--blocks", "50"])
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", "")
    assert_equal(weights(tmp_path), weights(unbroken[0]))


def test_options_beside_a_card_win(unbroken, tmp_path):
    done = command(tmp_path, "--config", str(unbroken[0] / "tiny.json"), "--steps", "3", "--hidden", "16")
    assert done.exit_code == 0, done.stderr
    training = json.loads((tmp_path / "tiny.json").read_text())["training"]
    assert (training["steps"], training["hidden"], training["regions"], training["steps_done"]) == (3, 16, 12, 3)


def wait_for(file, process):
    until(lambda: file.exists() or process.poll() is not None, 120)
    assert file.exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_ends_like_an_unbroken_one(unbroken, tmp_path, how):
    with started(*process(tmp_path, "--steps", "120")) as first:
        wait_for(tmp_path / "tiny.checkpoint", first)
        first.send_signal(how)
        output, errors = first.communicate(timeout=60)
    assert first.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL), errors
    assert errors == "" and ("the same command goes on" in output) == (how == signal.SIGINT)
    second = command(tmp_path, "--steps", "120")
    assert second.exit_code == 0, second.stderr
    assert "going on from step" in second.stdout
    assert not (tmp_path / "tiny.checkpoint").exists()
    assert_equal(weights(tmp_path), weights(unbroken[0]))


def test_ctrl_c_before_the_first_step_is_quiet(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("trained.training.loop.started_network", interrupted)
    done = command(tmp_path, "--steps", "5")
    assert (done.exit_code, done.stderr) == (130, "")


def test_two_processes_train_what_one_does(tmp_path):
    """gloo on the CPU; every process has its part of the same batch, so that only rounding differs."""
    found = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = finished(*process(folder, "--steps", "8", "--devices", str(processes)), timeout_s=240, env=environment)
        assert done.returncode == 0, done.stderr
        assert json.loads((folder / "tiny.json").read_text())["training"]["processes"] == processes
        assert done.stdout.count("step 8 ") == 1
        found.append(weights(folder))
    for name, one in found[0].items():
        torch.testing.assert_close(found[1][name].float(), one.float(), rtol=2e-3, atol=2e-4)


def test_bfloat16_trains_too(tmp_path):
    done = command(tmp_path, "--steps", "5", "--precision", "bf16-mixed")
    assert done.exit_code == 0, done.stderr
    assert all(torch.isfinite(value).all() for value in weights(tmp_path).values())


def test_a_time_budget_ends(tmp_path):
    done = command(tmp_path, "--minutes", "0.05")
    assert done.exit_code == 0, done.stderr
    assert json.loads((tmp_path / "tiny.json").read_text())["training"]["minutes_done"] == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("network", RECIPES)
def test_every_network_trains_and_loads(tmp_path, network):
    exact = ["--min-users", "4"] if network in FIXED_USERS else []
    done = command(tmp_path, "--network", network, "--steps", "2", *exact)
    assert done.exit_code == 0, done.stderr
    network, card = load_network(str(tmp_path / "tiny.safetensors"))
    assert card["training"]["steps_done"] == 2
    assert card["results"]["rows"] and all(network.serves(row["users"]) for row in card["results"]["rows"])


def test_own_channels_train_from_deepmimo_folders(tmp_path):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    done = command(tmp_path, "--steps", "3", "--deepmimo", *folders)
    assert done.exit_code == 0, done.stderr
    card = json.loads((tmp_path / "tiny.json").read_text())
    assert card["scenario"]["world"]["downlink"] == folders[1]
    assert [row["users"] for row in card["results"]["rows"]] == [2, 4, 8, 10]
    again = command(tmp_path / "again", "--config", str(tmp_path / "tiny.json"))
    assert again.exit_code == 0, again.stderr
    assert_equal(weights(tmp_path / "again"), weights(tmp_path))


def test_drops_are_the_channels_of_the_scenario():
    s = Settings(**SMALL | {"min_users": 3, "max_users": 3, "default_power_share": 1.0})
    scenario = training_scenario(s)
    drop = Drops(s, scenario, torch.device("cpu")).drop(5, started_network(s))
    h_ul, h_dl = scenario.channels(range(5 * 16, 6 * 16))
    np.testing.assert_allclose(drop.h_dl.resolve_conj().numpy(), h_dl, rtol=1e-3, atol=1e-4 * np.abs(h_dl).max())
    error = drop.heard.numpy() - h_ul
    assert np.mean(np.abs(error) ** 2) == pytest.approx(float(drop.estimate_noise[0]), rel=0.1)


def test_shares_of_a_drop_make_the_whole():
    s = Settings(**SMALL)
    drops, network = Drops(s, training_scenario(s), torch.device("cpu")), started_network(s)
    whole, parts = drops.drop(7, network), [drops.drop(7, network, rank, 3) for rank in range(3)]
    for n, value in enumerate(whole):
        torch.testing.assert_close(torch.cat([part[n] for part in parts]), value)


def test_step_with_a_gradient_that_is_not_finite_is_skipped_and_counted(tmp_path):
    import lightning

    training = Training(Settings(**SMALL | {"steps": 2}))
    training.network.refine[-1].bias.register_hook(lambda gradient: gradient * float("nan"))
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    lightning.Trainer(
        accelerator="cpu", max_steps=2, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
    ).fit(training, [0, 0])
    assert training.skipped == training.steps_done == 2
    assert_equal(training.network.state_dict(), before)


def test_checkpoint_of_another_run_is_refused(tmp_path, unbroken):
    file = tmp_path / "tiny.checkpoint"
    with started(*process(tmp_path, "--steps", "2000"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        wait_for(file, first)
    other = command(tmp_path, "--steps", "2000", "--batch", "8")
    assert other.exit_code == 2 and "was made with the settings" in other.stderr and len(other.stderr.splitlines()) == 1
    content = file.read_bytes()
    for damaged in (b"garbage", b"", content[: len(content) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="not a checkpoint"):
            check_checkpoint(file, Settings(**SMALL))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_users": 20}, "antennas, got 2, 20, 16"),
        ({"steps": 0}, "steps=0"),
        ({"steps": None, "minutes": -1.0}, "minutes=-1"),
        ({"network": "magic"}, "network='magic' is not one of calibrated"),
        ({"schedule": "moon"}, "schedule='moon'"),
        ({"network": "paper-journal"}, "paper-journal is for one number of users"),
        ({"regions": 0}, "regions=0"),
        ({"learning_rate": 0.0}, "learning_rate=0"),
        ({"default_power_share": 2.0}, "default_power_share=2"),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Settings(**SMALL | change)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--min-users", "9"), "min_users <= max_users"),
        (("--config", "/nowhere/card.json"), "card.json"),
        (("--precision", "3-mixed"), "precision='3-mixed'"),
        (("--precision", "16-mixed"), "needs a GPU"),
        (("--devices", "0"), "devices=0"),
        (("--blocks", "1"), "blocks=1"),
        (("--devices", "17"), "batch=16 cannot be shared"),
        (("--device", "abacus"), "abacus"),
        (("--regions", "100000"), "regions=100000 with cells=2"),
    ],
)
def test_bad_command_is_one_line_and_exit_code_2(tmp_path, options, message):
    done = command(tmp_path, *options)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ") and message in done.stderr and len(done.stderr.splitlines()) == 1


def test_what_training_needs_beyond_streaming_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    done = command(tmp_path)
    assert done.exit_code == 2 and "pip install 'calibeam[train]'" in done.stderr


def test_help_reads_like_a_manual_page():
    text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).stdout
    text = " ".join(text.split())
    for part in ("What is trained", "How it learns", "How it runs", "--config", "--nodes", "Examples", "goes on from it"):
        assert part in text
