from io import StringIO

import numpy as np
import pytest
import torch
from rich.console import Console

from sim.world.room import Room
from sim.world.scenario import Scenario
from tests.support import rayleigh, untrained
from tests.trained.small import ROOM
from trained.evaluation.table import evaluated, off_grid, table_of, table_scenarios
from trained.networks.calibrated import Calibrated
from trained.networks.calibrated_perfect import CalibratedPerfect
from trained.networks.paper_journal import PaperJournal
from trained.networks.unfolding import Unfolding

S = Scenario(antennas=16, users=4, world=ROOM)
SMALL = {"regions": 2, "cells": 1, "hidden": 4}


def sizes(scenarios):
    return [(s.antennas, s.users) for s in scenarios]


@pytest.mark.parametrize(("fewest", "most", "users"), [(2, 16, [2, 4, 8, 10, 16]), (10, 12, [10, 12]), (3, 3, [3]), (2, 7, [2, 4, 7])])
def test_a_table_has_the_numbers_of_users_that_a_network_was_trained_for(fewest, most, users):
    network = untrained(Calibrated, 16, most, min_users=fewest, **SMALL)
    assert sizes(table_scenarios(network, S)) == [(16, k) for k in users]


def test_a_table_has_the_numbers_of_users_that_are_asked_for():
    assert sizes(table_scenarios(untrained(Calibrated, 16, 4, **SMALL), S, (3, 5, 40))) == [(16, 3), (16, 5)]


def test_a_network_for_any_array_has_rows_for_several():
    network = untrained(CalibratedPerfect, 64, 4, min_users=4)
    assert sizes(table_scenarios(network, S)) == [(16, 4), (32, 4), (64, 4)]
    assert sizes(table_scenarios(untrained(CalibratedPerfect, 12, 4, min_users=4), S)) == [(12, 4)]


def test_users_with_several_antennas_share_the_array():
    network = untrained(Unfolding, 8, 3, user_antennas=2, layers=1)
    network.start(rayleigh(8, 3), torch.Generator())
    rows = evaluated(network, table_scenarios(network, rayleigh(8, 3)), 20)
    assert [(row["users"], row["ls_zf_uplink"]) for row in rows] == [(3, None)] and 0 < rows[0]["fraction_of_wmmse"] < 1


@pytest.fixture(scope="module")
def rows():
    network = untrained(PaperJournal, 16, 4, widths=(32,), antenna_widths=(32,))
    network.users.scale.fill_(1e-5)
    network.antennas.scale.fill_(1e-5)
    return evaluated(network, table_scenarios(network, S, (4, 2)), 20)


def test_a_row_that_fails_has_its_sizes_and_the_reason_and_the_others_are_there(rows):
    good, bad = rows
    assert good["users"] == 4 and good["sum_rate"] > 0 and good["fraction_ci95"] > 0
    assert bad == {"antennas": 16, "users": 2, "failed": "paper-journal does not serve users=2"}


def test_a_row_that_fails_is_dashes_with_the_reason_below(rows):
    screen = Console(file=StringIO(), width=200)
    screen.print(table_of(rows, 20))
    said = screen.file.getvalue()
    assert said.count(" - ") >= 6 and "M=16, K=2: paper-journal does not serve users=2" in said
    assert "±" in said and "20 blocks" in said


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


def test_channels_off_the_grid_are_like_those_on_it():
    away = Scenario(antennas=16, users=4, world=off_grid(ROOM, 600), split="all", link_loss_db=30.0)
    powers = [np.mean(np.abs(s.downlink(range(300))) ** 2) for s in (S, away)]
    assert powers[1] == pytest.approx(powers[0], rel=0.15)
