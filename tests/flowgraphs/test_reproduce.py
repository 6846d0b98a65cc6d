import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from flowgraphs import reproduce
from flowgraphs.experiments.baselines import NAMES
from flowgraphs.experiments.figures import FIGURES
from flowgraphs.experiments.points import Point
from flowgraphs.experiments.running_time import PUBLISHED
from flowgraphs.wiring.command_line import run
from flowgraphs.wiring.methods import make_scenario, method_names, wire_method
from trained.evaluation.published import MIMO_USERS, WMMSE
from trained.store import known


def main():
    run(reproduce.app)


BLOCKS = {"quick": 25, "full": 30}


@pytest.fixture
def small(monkeypatch):
    """Three figures cut down to seconds."""
    cut = {
        "journal-6a": replace(FIGURES["journal-6a"], values=(16, 32), blocks=BLOCKS),
        "unfolding-6": replace(FIGURES["unfolding-6"], panels=({"antennas": 8},), values=(2, 3), blocks=BLOCKS),
        "unfolding-tables": replace(FIGURES["unfolding-tables"], panels=({"antennas": 8, "values": (2, 3)},), blocks=BLOCKS),
    }
    monkeypatch.setattr(reproduce, "FIGURES", cut)
    monkeypatch.setattr(reproduce, "EVERY", list(cut))


def rows_of(file):
    with file.open() as stream:
        return list(csv.DictReader(stream))


def test_figures_come_with_data_pictures_configuration_and_what_was_published(small, command, tmp_path):
    done = command(main, "all", "--out", tmp_path, "--workers", "2")
    assert done.code == 0, done.err
    for name in ("journal-6a", "unfolding-6", "unfolding-tables"):
        folder = tmp_path / name
        assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (folder / "figure.svg").read_text()
        configuration = json.loads((folder / "configuration.json").read_text())
        assert configuration["effort"] == "quick" and configuration["points"] and "torch" in configuration["versions"]
        assert (folder / "results.parquet").is_file()
    rows = rows_of(tmp_path / "journal-6a" / "results.csv")
    shares = {(r["method"], r["antennas"]): float(r["share"]) for r in rows}
    assert len(shares) == 2 * 6 and shares["wmmse", "16"] == 1
    assert shares["mrt", "16"] < shares["calibrated-perfect", "16"] and shares["zf", "16"] < shares["unfolding", "16"]
    beside = rows_of(tmp_path / "unfolding-tables" / "comparison.csv")
    assert {(r["method"], r["users"], r["published"]) for r in beside} == {
        ("IAIDNN", "2", "0.9915"),
        ("IAIDNN", "3", "0.9736"),
        ("black-box CNN", "2", "0.9209"),
        ("black-box CNN", "3", "0.9027"),
    }
    for r in beside:
        assert float(r["ratio"]) == pytest.approx(float(r["ours"]) / float(r["published"]))
    again = command(main, "unfolding-6", "--out", tmp_path, "--workers", "2")
    assert "6 of 6 points are there already" in again.out


def test_what_has_no_weights_is_left_out_and_told_of(small, command, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "FIGURES", {"journal-6a": replace(FIGURES["journal-6a"], values=(24,), blocks=BLOCKS)})
    done = command(main, "journal-6a", "--out", tmp_path, "--workers", "1")
    assert done.code == 0
    assert "left out, its weights are missing (--full trains them): unfolding at" in done.out
    assert {r["method"] for r in rows_of(tmp_path / "journal-6a" / "results.csv")} == {"wmmse", "zf", "mrt", "calibrated-perfect"}


def test_full_takes_more_blocks(small, command, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "NAMES", {})
    monkeypatch.setattr(
        reproduce,
        "FIGURES",
        {"journal-6a": replace(FIGURES["journal-6a"], values=(24,), blocks=BLOCKS, methods={"wmmse": "WMMSE", "zf": "ZF"})},
    )
    assert command(main, "journal-6a", "--full", "--out", tmp_path, "--workers", "1").code == 0
    assert {r["blocks"] for r in rows_of(tmp_path / "journal-6a" / "results.csv")} == {"30"}


def test_every_figure_runs_from_shipped_weights():
    for name, figure in FIGURES.items():
        points, missing = reproduce.figure_points(figure, "quick")
        assert not missing, name
        assert all(point.method.split("@")[0] in method_names() for point in points)
    assert set(NAMES) <= set(known())


def test_the_tables_are_as_printed():
    assert len(WMMSE) == sum(map(len, MIMO_USERS.values()))
    assert WMMSE[32, 8] == 85.95 and WMMSE[8, 4] == 31.82 and WMMSE[64, 20] == 194.72
    printed = {(p.method, p.settings["antennas"], p.settings["users"]): p.share for p in FIGURES["unfolding-tables"].printed}
    assert printed["unfolding-mimo", 32, 8] == 0.9928 and printed["data-driven-perfect-mimo", 32, 16] == 0.8039
    assert printed["unfolding-mimo", 64, 10] == 0.9982 and printed["unfolding-mimo", 16, 8] == 0.9213
    assert list(PUBLISHED) == [(16, 2), (32, 2), (32, 8), (32, 12), (64, 4), (64, 12)]


def test_methods_share_channels_and_noise():
    s = make_scenario("zf", {"antennas": 16, "users": 4}, seed=3)
    a, b = (next(iter(wire_method(m, s).run(blocks=30, first=f).values()))["rates"] for m, f in (("zf", 0), ("zf", 10)))
    np.testing.assert_array_equal(a[10:], b[:20])
    mimo = make_scenario("rzf-mimo", {"antennas": 8, "users": 2})
    [start], [best] = (wire_method(m, mimo).run(blocks=10).values() for m in ("rzf-mimo", "wmmse-mimo"))
    assert (best["rates"] > start["rates"]).all()


def test_names_of_points_are_file_names():
    point = Point("calibrated@out/weights/mine.safetensors", {"users": 4, "uplink_power_dbm": -10.0})
    assert point.name == "calibrated@out_weights_mine.safetensors,uplink_power_dbm=-10,users=4,seed=0"


def test_an_unknown_figure_is_named(command, tmp_path):
    done = command(main, "fig-3", "--out", tmp_path)
    assert done.code == 2 and "figure='fig-3' is not one of conference-3" in done.err
