import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from sim.world.rayleigh import RayleighScenario
from sim.world.room import Room
from tests.support import precoder_weights
from trained.evaluation import curve, evaluate, mismatch
from trained.networks.unfolding import Unfolding
from trained.store import SHIPPED

PROGRAMS = {}
for module in (evaluate, mismatch, curve):
    PROGRAMS[module] = typer.Typer(pretty_exceptions_enable=False)
    PROGRAMS[module].command()(module.main)


def run(module, *options):
    return CliRunner().invoke(PROGRAMS[module], [str(option) for option in options])


def test_table_for_a_set_of_weights_has_intervals_and_goes_to_json(tmp_path):
    done = run(evaluate, "calibrated-m16", "--blocks", 40, "--json", tmp_path / "r.json")
    assert done.exit_code == 0, done.stderr
    assert "positions never trained on" in done.stdout and "±" in done.stdout
    found = json.loads((tmp_path / "r.json").read_text())
    assert [row["users"] for row in found["rows"]] == [2, 4, 8, 10, 16]
    for row in found["rows"]:
        assert row["ls_zf_uplink"] < row["fraction_of_wmmse"] and 0 < row["fraction_ci95"] < 0.2


def test_networks_for_users_with_several_antennas_are_measured_in_rayleigh_fading(tmp_path):
    weights = precoder_weights(tmp_path, Unfolding, antennas=8, users=3, user_antennas=2, streams=2)
    card = Path(weights).with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "scenario": asdict(RayleighScenario(8, 3))}))
    done = run(evaluate, weights, "--blocks", 30, "--json", tmp_path / "r.json")
    assert done.exit_code == 0, done.stderr
    assert "Rayleigh channels" in done.stdout
    [row] = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert 0 < row["fraction_of_wmmse"] < 1 and 0.8 < row["zf_perfect_csi"] < 1 and row["ls_zf_uplink"] is None


def test_places_off_the_grid_lie_in_the_user_areas_between_its_points():
    room = Room()
    places = room.random_positions(3000, np.random.default_rng(1))
    upper = places[:, 1] > 0
    assert np.mean(upper) == pytest.approx(401 * 201 / 151402, abs=0.03)
    for area, x, y in ((upper, (-2, 2), (1, 3)), (~upper, (-3.5, 3.5), (-2.6, -1.6))):
        for axis, (low, high) in enumerate((x, y)):
            found = places[area][:, axis]
            assert low <= found.min() < low + 0.1 and high - 0.1 < found.max() <= high
    assert np.all(places[:, 2] == 1.0)
    off = np.abs(places[:, :2] * 100 - np.round(places[:, :2] * 100))
    assert off.mean() == pytest.approx(0.25, abs=0.02)


def test_rates_off_the_grid_are_those_on_it(tmp_path):
    shares = []
    for options in ((), ("--off-grid",)):
        assert run(evaluate, "calibrated-m16", "--blocks", 150, "--json", tmp_path / "r.json", *options).exit_code == 0
        shares.append([row["fraction_of_wmmse"] for row in json.loads((tmp_path / "r.json").read_text())["rows"]])
    np.testing.assert_allclose(*shares, atol=0.06)


def test_mismatch_draws_and_tells_every_power(tmp_path):
    done = run(mismatch, "calibrated-m16", "--users", 4, "--blocks", 20, "--plot", tmp_path / "m.png", "--json", tmp_path / "m.json")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads((tmp_path / "m.json").read_text())["rows"]
    assert [row["uplink_power_dbm"] for row in rows] == list(mismatch.POWERS_DBM)
    shares = [row["networks"]["calibrated-m16"]["share"] for row in rows]
    assert shares[-1] > shares[0] + 0.1


def test_curves_of_cards_are_drawn(tmp_path):
    done = run(curve, "calibrated-m64", SHIPPED / "calibrated-m64.json", "--plot", tmp_path / "new" / "c.svg")
    assert done.exit_code == 0, done.stderr
    assert "<svg" in (tmp_path / "new" / "c.svg").read_text()


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (evaluate, ("nonsense",), "nonsense"),
        (evaluate, ("calibrated-m16", "--blocks", "1"), "blocks=1"),
        (evaluate, ("calibrated-m16", "--blocks", "5", "--users", "17"), "users=17: calibrated-m16 serves none"),
        (mismatch, ("calibrated-m16", "calibrated-m32"), "antennas=16, 32: give some for one number"),
        (curve, ("nonsense", "--plot", "x.png"), "no card 'nonsense'"),
        (curve, ("calibrated-m16", "calibrated-m32", "--plot", "x.png"), "draw them apart"),
    ],
)
def test_bad_argument_is_one_line_and_exit_code_2(module, options, message):
    done = run(module, *options)
    assert done.exit_code == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
