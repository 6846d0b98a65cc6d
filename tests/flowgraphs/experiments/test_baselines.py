import io
from dataclasses import fields

from rich.console import Console

from flowgraphs import train_baselines
from flowgraphs.experiments.baselines import BASELINES, NAMES, RATES, TIMES, TUNED_ON, USUAL_RATES, train_missing
from flowgraphs.wiring.command_line import run
from sim.world.named import WORLDS
from trained.card import Card
from trained.networks import find_network
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
        found = card.learning_rates
        assert found["tuned_on"] == names[0] and found["share_of_wmmse"].keys() == {"1e-09", "0.01"}
        best = max(found["share_of_wmmse"], key=found["share_of_wmmse"].get)
        assert card.training["learning_rate"] == float(best)
        assert card.training["minutes"] == 0.03 and card.users[-1] == network.users
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "weights").iterdir()}
    train_missing(names, 0.03, tmp_path / "weights", 2, tmp_path / "logs", Console(file=printed))
    assert {f: f.stat().st_mtime_ns for f in before} == before


def test_every_name_is_a_network_that_can_be_trained():
    for name, (method, changes) in NAMES.items():
        network = find_network(method.removesuffix("-mimo"))
        hyper = {f.name for f in fields(network.Config)}
        config = {key: value for key, value in changes.items() if key in hyper}
        others = {key: value for key, value in changes.items() if key not in hyper}
        if "world" in others:
            others["world"] = WORLDS[others["world"]]()
        s = Settings.of(network.name, config, **others)
        assert f"m{s.antennas}" in name or network.any_antennas
    for method, name in TUNED_ON.items():
        assert BASELINES[name][0] == method and len(RATES.get(method, USUAL_RATES)) == 3


def test_known_networks_that_figures_compare_had_the_same_time_and_tell_their_rates():
    minutes = set()
    for name in set(BASELINES) & set(known()):
        card = Card.read(COMPARED / f"{name}.json")
        shares = card.learning_rates["share_of_wmmse"]
        assert len(shares) == 3 and card.learning_rates["tuned_on"] == TUNED_ON[BASELINES[name][0]]
        assert card.training["learning_rate"] == float(max(shares, key=shares.get))
        minutes.add((card.hears == "channel", card.training["minutes"]))
        assert card.training["minutes"] == TIMES.get(BASELINES[name][0], 1)
    assert len(minutes) == 2


def test_an_unknown_name_is_told_of_before_anything_is_trained(command, tmp_path):
    done = command(lambda: run(train_baselines.app), "nonsense", "--folder", tmp_path)
    assert done.code == 2 and "nonsense: there is no such network" in done.err and not list(tmp_path.iterdir())
