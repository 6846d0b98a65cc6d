import json
from pathlib import Path

import numpy as np
import pytest

from flowgraphs.experiments.points import Point, compared, read_point, run_point, stamped, write_point
from tests.support import precoder_weights
from trained.evaluation.statistics import half_width
from trained.networks.unfolding import Unfolding


def test_precision_stops_a_point_early_at_the_same_blocks():
    whole = run_point(Point("zf", {"antennas": 16, "users": 2}, 1, 2000))
    early = run_point(Point("zf", {"antennas": 16, "users": 2}, 1, 2000, precision=0.02))
    assert len(early) in range(400, 2000, 200)
    np.testing.assert_array_equal(early, whole[: len(early)])
    assert half_width(early) < 0.02 * early.mean()
    before = early[:-200]
    assert len(before) and half_width(before) >= 0.02 * before.mean()


def test_shares_are_paired_over_the_blocks_that_both_have():
    rng = np.random.default_rng(0)
    bound = rng.uniform(5, 15, (2, 300))
    rates = [(Point("wmmse", {"users": 4}, s, 300), bound[s]) for s in range(2)]
    rates += [(Point("zf", {"users": 4}, s, 300), 0.9 * bound[s][:200] + 0.01 * rng.standard_normal(200)) for s in range(2)]
    [reference, row] = compared(rates, "wmmse")
    assert reference["share"] == 1 and reference["share_ci95"] < 1e-12
    assert row["seeds"] == 2 and row["blocks"] == 400
    assert abs(row["share"] - 0.9) < 2e-4 and row["share_ci95"] < 3e-4 < row["ci95"] / row["rate"]
    [alone] = compared([(Point("zf", {"users": 4}, 0, 300), bound[0])], "wmmse")
    assert alone["share"] is None


def test_a_point_of_other_blocks_or_a_damaged_one_is_not_taken(tmp_path):
    point = Point("zf", {"users": 4, "uplink_power_dbm": -12.5}, 0, 50)
    write_point(point, np.arange(50.0), tmp_path)
    np.testing.assert_array_equal(read_point(point, tmp_path), np.arange(50.0))
    assert read_point(Point("zf", point.settings, 0, 60), tmp_path) is None
    assert read_point(Point("zf", point.settings, 1, 50), tmp_path) is None
    file = tmp_path / point.file
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"is no point of a sweep .* remove it"):
        read_point(point, tmp_path)


def test_a_point_of_other_weights_is_not_taken(tmp_path):
    weights = precoder_weights(tmp_path, Unfolding, antennas=16, users=4)
    point = Point(f"unfolding@{weights}", {"antennas": 16, "users": 4}, 0, 20)
    write_point(stamped(point), np.arange(20.0), tmp_path)
    assert read_point(stamped(point), tmp_path) is not None
    card = Path(weights).with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "sha256": "0"}))
    assert read_point(stamped(point), tmp_path) is None
    assert stamped(Point("zf", {"users": 4})).weights == stamped(Point("zf", {"users": 4000})).weights == ""
