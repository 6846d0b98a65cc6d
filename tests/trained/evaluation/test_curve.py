import pytest

from trained.card import Card
from trained.evaluation.curve import draw_curves
from trained.store import find_card


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_curves_of_cards_are_drawn_into_a_folder_that_is_made(tmp_path, suffix):
    curve = Card.read(find_card("calibrated-m64")).curve
    draw_curves({"one": curve, "other": curve}, tmp_path / "new" / f"c.{suffix}")
    assert (tmp_path / "new" / f"c.{suffix}").stat().st_size > 1000


def test_a_point_without_a_rate_and_a_baseline_that_there_is_not_are_left_out(tmp_path):
    points = [{"minutes": 0.0, "step": 0, "failed": "not measured"}, {"minutes": 1.0, "step": 9, "of_wmmse": 0.5}]
    baselines = {"zf_perfect_csi": 0.9, "ls_zf_uplink": None}
    draw_curves({"made": {"antennas": 8, "users": 2, "baselines": baselines, "points": points}}, tmp_path / "c.svg")
    assert "<svg" in (tmp_path / "c.svg").read_text()
