import json
import shutil

from flowgraphs import weights
from flowgraphs.wiring.command_line import run
from tests.support import untrained, written
from trained.networks.unfolding import Unfolding
from trained.store import SHIPPED


def main():
    run(weights.app)


def test_ones_own_weights_are_listed_with_those_that_come_along(command, tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    shutil.copy(SHIPPED / "calibrated-m16.safetensors", tmp_path / "mine.safetensors")
    shutil.copy(SHIPPED / "calibrated-m16.json", tmp_path / "mine.json")
    done = command(main)
    assert done.code == 0, done.err
    found = {line.split()[1]: line for line in done.out.splitlines() if "shipped" in line or " own" in line}
    assert "own" in found["mine"] and "shipped" in found["calibrated-m64"] and "any" in found["calibrated-perfect"]
    assert str(tmp_path) in done.out.replace("\n", "")


def test_weights_of_a_network_that_is_not_loaded_are_listed_too(command, tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path))
    written(untrained(Unfolding, 12, 2, layers=1), tmp_path / "mine.safetensors")
    card = json.loads((tmp_path / "mine.json").read_text())
    (tmp_path / "mine.json").write_text(json.dumps(card | {"network": "of-my-own-file"}))
    done = command(main)
    assert done.code == 0, done.err
    assert any("mine" in line and "12" in line for line in done.out.splitlines())


def test_a_damaged_card_is_told_of_and_the_others_are_listed(command, tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path))
    (tmp_path / "mine.safetensors").write_bytes(b"")
    (tmp_path / "mine.json").write_text("{}")
    done = command(main)
    assert done.code == 0 and "mine.json is not a card" in done.err and "calibrated-m64" in done.out
