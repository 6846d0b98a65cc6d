import json
import sys

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.sim.world.own_world import Corridor
from tests.trained.small import config, console, settings
from tests.trained.training.runs import assert_equal, crash, steps_of, trained
from trained.card import Card
from trained.evaluation.reference import Reference
from trained.networks import NETWORKS
from trained.store import SHIPPED, load_network
from trained.training.loop import started_network
from trained.training.settings import settings_of_card


def test_a_run_writes_weights_a_card_and_one_folder_of_logs(unbroken):
    folder, said = unbroken
    assert sorted(f.name for f in folder.iterdir()) == ["logs", "tiny.json", "tiny.safetensors"]
    logs = folder / "logs" / "tiny"
    assert [f.name for f in (folder / "logs").iterdir()] == ["tiny"]
    assert {f.name.partition(".out")[0] for f in logs.iterdir()} >= {"metrics.csv", "settings.json", "curve.png", "events"}
    assert not [f for f in logs.iterdir() if f.is_dir()]
    assert (logs / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((logs / "settings.json").read_text())["config"]["hidden"] == 32
    assert "of WMMSE" in said and "tiny.safetensors" in said


def test_tensorboard_has_the_settings_and_the_rate(unbroken):
    events = EventAccumulator(str(unbroken[0] / "logs" / "tiny")).Reload()
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    for name in (b"antennas", b"learning_rate", b"config.hidden", b"seed"):
        assert name in content
    assert "of_wmmse" in events.Tags()["scalars"] and "loss" in events.Tags()["scalars"]


def test_the_card_tells_how_the_weights_were_made(unbroken):
    card = Card.read(unbroken[0] / "tiny.json")
    assert (card.network, card.users, card.antennas) == ("calibrated", range(2, 5), 16)
    assert [p["step"] for p in card.curve["points"]][:: len(card.curve["points"]) - 1] == [0, 50]
    assert card.curve["baselines"].keys() == {"zf_perfect_csi", "ls_zf_uplink"}
    assert [row["users"] for row in card.results["rows"]] == [2, 4] and card.results["blocks"] == 20
    assert (card.training["steps_done"], card.training["steps_skipped"], card.training["processes"]) == (50, 0, 1)
    assert card.split["trained_on"] == "train" and card.split["watched_on"] == "validation" and card.split["tested_on"] == "test"
    assert "lightning" in card.versions


def test_training_raises_the_rate_on_positions_never_seen(unbroken):
    network, card = load_network(str(unbroken[0] / "tiny.safetensors"))
    reference = Reference.of(settings().scenario("test"), 200)
    before = reference.rate_of(started_network(settings()).eval()).mean()
    assert reference.rate_of(network).mean() > 1.02 * before
    assert card.curve["points"][-1]["of_wmmse"] > card.curve["points"][0]["of_wmmse"]


def test_a_card_trains_the_same_weights_again(unbroken, tmp_path):
    s = settings_of_card(Card.read(unbroken[0] / "tiny.json"), world=settings().world)
    assert_equal(trained(tmp_path, s), unbroken[0] / "tiny.safetensors")


@pytest.fixture
def nothing_is_done(monkeypatch):
    """Fails where a run gets as far as making a network."""
    monkeypatch.setattr("trained.training.run._fit", lambda *_: pytest.fail("the run began"))


def test_weights_that_are_there_are_refused_before_anything_is_done(unbroken, nothing_is_done):
    before = (unbroken[0] / "tiny.safetensors").read_bytes()
    with pytest.raises(ValueError, match=r"tiny\.safetensors is there already: give another --name, or --force to replace it"):
        trained(unbroken[0], settings(seed=9))
    assert (unbroken[0] / "tiny.safetensors").read_bytes() == before


def test_weights_are_replaced_where_it_is_asked_for(tmp_path):
    first = trained(tmp_path, settings("calibrated-perfect")).read_bytes()
    assert trained(tmp_path, settings("calibrated-perfect", seed=9), force=True).read_bytes() != first


def test_the_shipped_folder_is_refused_before_anything_is_done(nothing_is_done):
    with pytest.raises(ValueError, match="holds the shipped weights, which training never writes"):
        trained(SHIPPED, settings(), force=True)


def test_weights_go_to_the_users_folder_and_are_found_before_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path / "own"))
    before = {file: file.stat().st_mtime_ns for file in SHIPPED.iterdir()}
    file = trained(None, settings(), name=None, logs=tmp_path / "logs")
    assert file == tmp_path / "own" / "calibrated-m16.safetensors"
    assert load_network("calibrated", 16)[1].config["hidden"] == 32
    assert {file: file.stat().st_mtime_ns for file in SHIPPED.iterdir()} == before


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (("calibrated-perfect", None, {}), "calibrated-perfect"),
        (("paper-journal", {"widths": (8,), "antenna_widths": (8,)}, {"min_users": 4}), "paper-journal-m16-k4"),
    ],
)
def test_weights_have_the_name_that_they_are_found_by(tmp_path, made, name):
    network, given, changes = made
    assert trained(tmp_path, settings(network, given, **changes), name=None).stem == name


def test_a_network_for_more_than_eight_users_is_watched_and_measured_at_its_own_number(tmp_path):
    screen = console()
    trained(tmp_path, settings(min_users=10, max_users=12), screen)
    card = Card.read(tmp_path / "tiny.json")
    assert "K=10 rate" in screen.file.getvalue() and card.curve["users"] == 10
    assert [row["users"] for row in card.results["rows"]] == [10, 12]
    assert all("fraction_of_wmmse" in row for row in card.results["rows"])


def test_a_row_that_fails_is_a_dash_with_its_reason_and_loses_nothing(tmp_path, monkeypatch):
    rate_of = Reference.rate_of

    def failing(self, network):
        if self.scenario.split == "test" and self.scenario.users == 4:
            raise MemoryError("no memory for K=4\nsecond line")
        return rate_of(self, network)

    monkeypatch.setattr(Reference, "rate_of", failing)
    screen = console()
    trained(tmp_path, settings(), screen)
    good, bad = load_network(str(tmp_path / "tiny.safetensors"))[1].results["rows"]
    assert good["users"] == 2 and good["sum_rate"] > 0
    assert bad == {"antennas": 16, "users": 4, "failed": "no memory for K=4"}
    assert "M=16, K=4: no memory for K=4" in screen.file.getvalue()


def test_a_rate_that_cannot_be_measured_on_the_way_is_left_out_of_the_curve(tmp_path, monkeypatch):
    rate_of = Reference.rate_of

    def failing(self, network):
        if self.scenario.split == "validation":
            raise ValueError("singular")
        return rate_of(self, network)

    monkeypatch.setattr(Reference, "rate_of", failing)
    screen = console()
    trained(tmp_path, settings(), screen)
    assert "not measured: singular" in screen.file.getvalue()
    card = Card.read(tmp_path / "tiny.json")
    assert card.curve["points"][0]["failed"] == "not measured: singular" and card.results["rows"][0]["sum_rate"] > 0
    assert len(steps_of(tmp_path)) == 4


def test_weights_are_there_whatever_the_table_does(tmp_path, monkeypatch):
    monkeypatch.setattr("trained.training.run.evaluated", lambda *_: crash())
    with pytest.raises(RuntimeError, match="fell over"):
        trained(tmp_path, settings())
    assert load_network(str(tmp_path / "tiny.safetensors"))[1].training["steps_done"] == 3


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_trains_and_loads(tmp_path, name):
    fewest = 4 if NETWORKS[name].fixed_users else 2
    s = settings(name, None if name == "calibrated" else config(NETWORKS[name]), min_users=fewest, steps=2)
    network, card = load_network(str(trained(tmp_path, s)))
    assert card.training["steps_done"] == 2
    assert card.results["rows"] and not [row for row in card.results["rows"] if "failed" in row]
    assert all(network.serves(row["users"]) for row in card.results["rows"])


def test_a_world_of_ones_own_can_be_trained_in(tmp_path):
    card = load_network(str(trained(tmp_path, settings(world=Corridor()))))[1]
    assert card.world == "Corridor" and card.scenario["world"]["places"] == 2000


def test_bfloat16_trains_too(tmp_path):
    file = trained(tmp_path, settings(), precision="bf16-mixed")
    assert all(torch.isfinite(value).all() for value in load_file(file).values())


def test_a_time_budget_ends(tmp_path):
    trained(tmp_path, settings("calibrated-perfect", steps=None, minutes=0.01))
    assert Card.read(tmp_path / "tiny.json").training["minutes_done"] == pytest.approx(0.01, abs=0.02)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"precision": "3-mixed"}, "precision='3-mixed' is not one of 32-true"),
        ({"precision": "16-mixed"}, "precision='16-mixed' needs a GPU"),
        ({"devices": 0}, "devices=0 has to be at least 1"),
        ({"nodes": 0}, "nodes=0 has to be at least 1"),
        ({"blocks": 1}, "blocks=1 has to be at least 2"),
        ({"device": "abacus"}, "device='abacus' is not one of cpu"),
        ({"devices": 9}, "batch=8 cannot be shared by 9 processes"),
    ],
)
def test_a_run_that_cannot_be_is_named(tmp_path, nothing_is_done, run, message):
    with pytest.raises(ValueError, match=message):
        trained(tmp_path / "new", settings(), **run)
    assert not (tmp_path / "new").exists()


def test_what_training_needs_beyond_streaming_is_named_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    with pytest.raises(ImportError, match=r"pip install 'calibeam\[train\]'"):
        trained(tmp_path / "new", settings())
    assert not (tmp_path / "new").exists()


def test_ctrl_c_before_the_first_step_leaves_nothing_that_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr("trained.training.loop.started_network", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, settings())
    assert not list(tmp_path.glob("tiny.*"))
