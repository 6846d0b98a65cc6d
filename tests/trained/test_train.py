import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from sim.scenario import Scenario
from sim.tracer import trace
from tests.sim.test_deepmimo import ROOM, write_v4
from trained.evaluate import Reference, calibrated_rate
from trained.settings import Settings
from trained.trainer import Trainer

SMALL = {"antennas": 16, "max_users": 4, "steps": 40, "batch": 16, "warmup_steps": 5, "entries": 64, "hidden": 32, "seed": 3}


def weights(trainer):
    return {name: value.clone() for name, value in trainer.network.state_dict().items()}


def trained(steps, trainer=None):
    trainer = trainer or Trainer(Settings(**SMALL))
    for _ in range(steps):
        trainer.train_step()
    return trainer


def test_training_raises_the_rate_on_positions_never_seen():
    trainer = Trainer(Settings(**SMALL | {"steps": 150, "batch": 32, "entries": 256}))
    reference = Reference.of(Scenario(antennas=16, users=4), 200)
    before = calibrated_rate(trainer.network, reference).mean()
    after = calibrated_rate(trained(150, trainer).network, reference).mean()
    assert after > 1.03 * before


def test_a_seed_gives_the_same_weights():
    for a, b in zip(weights(trained(5)).values(), weights(trained(5)).values(), strict=True):
        assert torch.equal(a, b)


def test_resuming_gives_what_an_unbroken_run_gives(tmp_path):
    file = tmp_path / "half.checkpoint"
    trained(5).save_checkpoint(file)
    resumed = Trainer(Settings(**SMALL))
    resumed.load_checkpoint(file)
    assert resumed.step == 5
    for a, b in zip(weights(trained(5, resumed)).values(), weights(trained(10)).values(), strict=True):
        assert torch.equal(a, b)


def test_checkpoint_of_another_run_is_refused(tmp_path):
    file = tmp_path / "other.checkpoint"
    trained(1).save_checkpoint(file)
    for change, message in (({"batch": 8}, "other settings|with the settings"), ({"hidden": 16}, "is not a checkpoint|with the settings")):
        with pytest.raises(ValueError, match=message):
            Trainer(Settings(**SMALL | change)).load_checkpoint(file)
    file.write_bytes(b"garbage")
    with pytest.raises(ValueError, match="not a checkpoint"):
        Trainer(Settings(**SMALL)).load_checkpoint(file)


def test_step_with_a_gradient_that_is_not_finite_is_skipped_and_counted():
    trainer = trained(1)
    trainer.network.refine[-1].bias.register_hook(lambda gradient: gradient * float("nan"))
    before = weights(trainer)
    trainer.train_step()
    assert trainer.skipped == 1
    assert all(torch.equal(before[n], v) for n, v in weights(trainer).items())


@pytest.mark.parametrize(("change", "message"), [({"max_users": 20}, "antennas, got 2, 20, 16"), ({"steps": 0}, "steps=0"),
                                                 ({"steps": None, "minutes": -1.0}, "minutes=-1")])
def test_bad_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Settings(**SMALL | change)


COMMAND = [sys.executable, "-m", "trained.train", "--antennas", "16", "--max-users", "4", "--batch", "16", "--entries", "64",
           "--hidden", "32", "--name", "tiny"]


def test_command_writes_weights_that_load_and_prints_progress(tmp_path):
    done = subprocess.run([*COMMAND, "--steps", "20", "--folder", str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "of WMMSE" in done.stdout
    assert sorted(f.name for f in tmp_path.iterdir()) == ["tiny.json", "tiny.safetensors"]
    assert load_file(tmp_path / "tiny.safetensors")


def test_command_goes_on_after_ctrl_c(tmp_path):
    command = [*COMMAND, "--steps", "300", "--folder", str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "tiny.checkpoint").exists() and time.monotonic() < deadline:
        pass
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=30)
    assert first.returncode == 130, errors
    assert "Traceback" not in errors
    second = subprocess.run(command, capture_output=True, text=True, timeout=240, env=os.environ)
    assert second.returncode == 0, second.stderr
    assert "going on from step" in second.stdout
    assert not (tmp_path / "tiny.checkpoint").exists()


def test_own_channels_train_from_deepmimo_folders(tmp_path):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    done = subprocess.run([*COMMAND, "--steps", "3", "--folder", str(tmp_path / "w"), "--deepmimo", *folders],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "w" / "tiny.json").read_text())
    assert card["scenario"]["world"]["downlink"] == folders[1]
    assert [row["users"] for row in card["results"]["rows"]] == [2, 4, 8, 10]


def test_bad_command_is_one_line_and_exit_code_2(tmp_path):
    done = subprocess.run([*COMMAND, "--max-users", "3", "--min-users", "9", "--folder", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
