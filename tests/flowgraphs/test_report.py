import json

import pytest

from flowgraphs import report
from flowgraphs.wiring.command_line import run
from trained.evaluation import mismatch


def main():
    run(report.app)


def test_curves_of_cards_are_drawn(command, tmp_path):
    done = command(main, "curve", "calibrated-m16", "--plot", tmp_path / "c.png")
    assert done.code == 0, done.err
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG") and "wrote" in done.out


def test_cards_for_other_numbers_of_antennas_are_not_drawn_together(command, tmp_path):
    done = command(main, "curve", "calibrated-m16", "calibrated-m32", "--plot", tmp_path / "c.png")
    assert done.code == 2 and "draw them apart" in done.err and not list(tmp_path.iterdir())


@pytest.fixture
def one_power(monkeypatch):
    monkeypatch.setattr(mismatch, "POWERS_DBM", (-10.0,))
    monkeypatch.setattr(report, "POWERS_DBM", (-10.0,))


def test_shares_at_other_powers_are_printed_drawn_and_written(command, tmp_path, one_power):
    options = ("--users", "2", "--blocks", "20", "--plot", tmp_path / "m.svg", "--json", tmp_path / "m.json")
    done = command(main, "mismatch", "calibrated-m16", *options)
    assert done.code == 0, done.err
    assert "1/1  -10 dBm" in done.out and "LS + ZF" in done.out and "</svg>" in (tmp_path / "m.svg").read_text()
    [row] = json.loads((tmp_path / "m.json").read_text())["rows"]
    share = row["networks"]["calibrated-m16"]
    assert row["ls_zf_uplink"] < share["share"] < 1 and 0 < share["ci95"] < 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("calibrated-m16", "calibrated-m32"), "antennas=16, 32"),
        (("calibrated-m16", "--blocks", "1"), "blocks=1"),
        (("nonsense",), "nonsense"),
        (("calibrated-m16", "--plot", "m.bmp"), "has to end in .png"),
        (("calibrated-m16", "--json", "/none/m.json"), "no folder /none"),
    ],
)
def test_bad_options_are_named_before_anything_is_measured(command, monkeypatch, options, words):
    monkeypatch.setattr(report, "sweep", lambda *_: pytest.fail("the measurement began"))
    done = command(main, "mismatch", *options)
    assert done.code == 2 and words in done.err and len(done.err.splitlines()) == 1
