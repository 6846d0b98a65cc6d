import io
import json

import typer
from rich.console import Console
from typer.testing import CliRunner

from flowgraphs.experiments import baselines
from flowgraphs.experiments.baselines import BASELINES, NAMES, RATES, TIMES, TUNED_ON, USUAL_RATES, train_missing
from trained.store import COMPARED, known, load_network
from trained.training.settings import Settings


def test_the_best_of_three_rates_trains_the_others(tmp_path, monkeypatch):
    monkeypatch.setitem(TUNED_ON, "unfolding-mimo", "unfolding-mimo-m8-k1")
    monkeypatch.setitem(RATES, "unfolding-mimo", (1e-9, 1e-2))
    printed = io.StringIO()
    names = ["unfolding-mimo-m8-k1", "unfolding-mimo-m8-k2"]
    train_missing(names, 0.03, tmp_path / "weights", 2, tmp_path / "logs", Console(file=printed))
    for name in names:
        network, card = load_network(str(tmp_path / "weights" / f"{name}.safetensors"))
        found = card["learning_rates"]
        assert found["tuned_on"] == names[0] and found["share_of_wmmse"].keys() == {"1e-09", "0.01"}
        best = max(found["share_of_wmmse"], key=found["share_of_wmmse"].get)
        assert card["training"]["learning_rate"] == float(best)
        assert card["training"]["minutes"] == 0.03 and card["training"]["max_users"] == network.users
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "weights").iterdir()}
    train_missing(names, 0.03, tmp_path / "weights", 2, tmp_path / "logs", Console(file=printed))
    assert {f: f.stat().st_mtime_ns for f in before} == before


def test_every_name_is_a_network_that_can_be_trained():
    for name, (network, changes) in NAMES.items():
        s = Settings.of(network, **changes)
        assert f"m{s.antennas}" in name or network == "calibrated-perfect"
    for method, name in TUNED_ON.items():
        assert BASELINES[name][0] == method and len(RATES.get(method, USUAL_RATES)) == 3


def test_known_networks_that_figures_compare_had_the_same_time_and_tell_their_rates():
    minutes = set()
    for name in set(BASELINES) & set(known()):
        card = json.loads((COMPARED / f"{name}.json").read_text())
        shares = card["learning_rates"]["share_of_wmmse"]
        assert len(shares) == 3 and card["learning_rates"]["tuned_on"] == TUNED_ON[BASELINES[name][0]]
        assert card["training"]["learning_rate"] == float(max(shares, key=shares.get))
        minutes.add((card["csi"] == "perfect", card["training"]["minutes"]))
        assert card["training"]["minutes"] == TIMES.get(BASELINES[name][0], 1)
    assert len(minutes) == 2


def test_an_unknown_name_is_told_of_before_anything_is_trained(tmp_path):
    app = typer.Typer()
    app.command()(baselines.main)
    done = CliRunner().invoke(app, ["nonsense", "--folder", str(tmp_path)])
    assert done.exit_code == 2 and "nonsense: there is no such network" in done.output and not list(tmp_path.iterdir())
