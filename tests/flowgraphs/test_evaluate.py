import json
import re

import pytest

from flowgraphs import evaluate
from flowgraphs.wiring.command_line import run
from sim.world.deepmimo import DeepMIMO
from sim.world.rayleigh import Rayleigh
from sim.world.tracer import trace
from tests.sim.world.test_deepmimo import ROOM, write_v4
from tests.trained import small
from trained.training.run import Run, train


def main():
    run(evaluate.app)


def weights(folder, s):
    return train(s, Run(name="made", folder=folder, logs=folder / "logs", blocks=4), small.console())


def rows(file):
    return json.loads(file.read_text())["rows"]


def test_table_for_a_set_of_weights_has_intervals_and_goes_to_json(command, tmp_path):
    done = command(main, "calibrated-m16", "--blocks", 30, "--json", tmp_path / "r.json")
    assert done.code == 0, done.err
    assert "never trained on" in done.out and "±" in done.out
    assert [row["users"] for row in rows(tmp_path / "r.json")] == [2, 4, 8, 10, 16]
    for row in rows(tmp_path / "r.json"):
        assert row["ls_zf_uplink"] < row["fraction_of_wmmse"] and 0 < row["fraction_ci95"] < 0.2


def test_numbers_of_users_are_those_of_the_card(command, tmp_path):
    made = weights(tmp_path, small.settings("calibrated-perfect", world=Rayleigh(), min_users=10, max_users=12))
    done = command(main, made, "--blocks", 10, "--json", tmp_path / "r.json")
    assert done.code == 0, done.err
    assert [(row["antennas"], row["users"]) for row in rows(tmp_path / "r.json")] == [(16, 10), (16, 12)]


def test_weights_are_measured_in_the_world_of_their_card(command, tmp_path):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    made = weights(tmp_path, small.settings(world=DeepMIMO(*folders)))
    done = command(main, made, "--blocks", 10)
    assert done.code == 0, done.err
    done = command(main, made, "--blocks", 10, "--off-grid")
    assert done.code == 2 and "--off-grid: the world DeepMIMO has no places but its own" in done.err


def test_users_with_several_antennas_are_measured(command, tmp_path):
    s = small.settings("unfolding", {"layers": 2}, world=Rayleigh(), antennas=8, min_users=3, max_users=3, user_antennas=2)
    done = command(main, weights(tmp_path, s), "--blocks", 30, "--json", tmp_path / "r.json")
    assert done.code == 0, done.err
    [row] = rows(tmp_path / "r.json")
    assert 0 < row["fraction_of_wmmse"] < 1.1 and 0.8 < row["zf_perfect_csi"] < 1 and row["ls_zf_uplink"] is None


def test_a_world_of_ones_own_is_given_by_its_file(command, tmp_path):
    from tests.sim.world import own_world
    from tests.sim.world.own_world import Corridor

    made = weights(tmp_path, small.settings(world=Corridor()))
    done = command(main, made, "--blocks", 10)
    assert done.code == 2 and "world='Corridor' is not one of" in done.err and "--world FILE.py:CLASS" in done.err
    done = command(main, made, "--blocks", 10, "--world", f"{own_world.__file__}:Corridor")
    assert done.code == 0, done.err


def test_rates_off_the_grid_are_those_on_it(command, tmp_path):
    shares = []
    for options in ((), ("--off-grid",)):
        done = command(main, "calibrated-m16", "--blocks", 100, "--users", 4, "--json", tmp_path / "r.json", *options)
        assert done.code == 0, done.err
        shares.append(rows(tmp_path / "r.json")[0]["fraction_of_wmmse"])
    assert shares[1] == pytest.approx(shares[0], abs=0.06)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("nonsense",), "there are no weights 'nonsense'"),
        (("calibrated-m16", "--blocks", "1"), "blocks=1"),
        (("calibrated-m16", "--blocks", "5", "--users", "17"), "users=17: calibrated-m16 serves none"),
        (("paper-conference-m16", "--blocks", "5", "--users", "17"), "calibeam train --config .*paper-conference-m16.json"),
        (("calibrated-m16", "--network", "nowhere.py:Mine"), "nowhere.py is not a file"),
    ],
)
def test_bad_argument_is_one_line_and_exit_code_2(command, options, message):
    done = command(main, *options)
    assert done.code == 2 and re.search(message, done.err) and len(done.err.splitlines()) == 1
