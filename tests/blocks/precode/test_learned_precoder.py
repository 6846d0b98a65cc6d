import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from blocks import LearnedPrecoder, WiringError, run_block
from blocks.runtime import Flowgraph
from flowgraphs.wiring.link import wire
from sim.world.scenario import Scenario
from tests.blocks.link_data import H_SEVERAL
from tests.streams import ArraySource, Collect, complex_normal
from tests.support import paper_weights, precoder_weights
from trained.evaluation.reference import Reference
from trained.networks.data_driven import DataDriven
from trained.networks.data_driven_perfect import DataDrivenPerfect
from trained.networks.unfolding import Unfolding
from trained.store import load_network

S = Scenario(antennas=16, users=4)
WEIGHTS = precoder_weights(Path(tempfile.mkdtemp()), DataDriven, antennas=16, users=4)
EXAMPLE = (lambda: LearnedPrecoder(WEIGHTS, 3.0, 1e-3, 16), {"y": 10 * complex_normal(np.random.default_rng(6), 23, 16, 4)})
UNFOLDED = precoder_weights(Path(tempfile.mkdtemp()), Unfolding, antennas=8, users=3, user_antennas=2, layers=3)
MORE = {"users with two antennas": (lambda: LearnedPrecoder(UNFOLDED, 100.0, 1.0, 8, user_antennas=2), {"h": H_SEVERAL})}


@pytest.mark.parametrize("kind", [DataDriven, DataDrivenPerfect, Unfolding])
def test_the_link_gives_the_rates_of_the_evaluation(tmp_path, kind):
    weights = precoder_weights(tmp_path, kind, antennas=16, users=4)
    found = wire(S, "ls", weights, "calibrated", "cpu").run(blocks=50)["RateSink"]["rates"]
    expected = Reference.of(S, 50).rate_of(load_network(weights)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_an_unfolded_network_serves_fewer_users(tmp_path, rng):
    weights = precoder_weights(tmp_path, Unfolding, antennas=16, users=4)
    v = run_block(LearnedPrecoder(weights, 3.0, 1.0, 16), h_est=complex_normal(rng, 5, 16, 2))["v"]
    assert v.shape == (5, 16, 2)
    np.testing.assert_allclose((abs(v) ** 2).sum((1, 2)), 3, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "port", "shape", "match"),
    [
        (DataDriven, "y", (8, 4), "8 on one side, M=16"),
        (DataDriven, "y", (16, 3), "3 on one side, L=4"),
        (DataDrivenPerfect, "h_est", (16, 3), "3 on one side, K=4"),
    ],
)
def test_a_link_that_a_black_box_is_not_for_is_refused_when_wired(tmp_path, rng, kind, port, shape, match):
    weights = precoder_weights(tmp_path, kind, antennas=16, users=4)
    fg = Flowgraph()
    with pytest.raises(WiringError, match=match):
        fg.connect(ArraySource(**{port: complex_normal(rng, 5, *shape)}), LearnedPrecoder(weights, 1.0, 1.0), Collect())


def test_more_users_than_an_unfolded_network_has_are_named(tmp_path, rng):
    weights = precoder_weights(tmp_path, Unfolding, antennas=16, users=4)
    with pytest.raises(ValueError, match="users=5: these weights are for 4 users at most"):
        run_block(LearnedPrecoder(weights, 3.0, 1.0, 16), h_est=complex_normal(rng, 5, 16, 5))


def test_for_several_antennas_the_block_is_the_network():
    v = run_block(LearnedPrecoder(UNFOLDED, 100.0, 1.0, 8, user_antennas=2), h=H_SEVERAL)["v"]
    with torch.no_grad():
        expected = load_network(UNFOLDED)[0].precoders(torch.from_numpy(H_SEVERAL) * 10).numpy() * 10
    np.testing.assert_allclose(v, expected, rtol=1e-5, atol=1e-5)


def test_other_weights_are_refused(tmp_path):
    calibration = str(paper_weights(tmp_path, "conference", 16))
    with pytest.raises(ValueError, match="give no precoder: use NeuralCalibration"):
        LearnedPrecoder(calibration, 1.0, 1.0)
    with pytest.raises(ValueError, match="for users with user_antennas=2, got 1"):
        LearnedPrecoder(UNFOLDED, 1.0, 1.0)
    own = precoder_weights(tmp_path, Unfolding, antennas=16, users=4)
    with pytest.raises(ValueError, match="for users with user_antennas=1, got 2"):
        LearnedPrecoder(own, 1.0, 1.0, user_antennas=2)
    with pytest.raises(ValueError, match="is a precoder itself"):
        wire(S, "ls", own, "zf", "cpu")


def test_users_with_another_number_of_antennas_are_refused_when_wired(rng):
    block = LearnedPrecoder(UNFOLDED, 1.0, 1.0, user_antennas=2)
    with pytest.raises(WiringError, match="3 on one side, N=2"):
        Flowgraph().connect(ArraySource(h=complex_normal(rng, 5, 3, 3, 8)), block, Collect())


@pytest.mark.parametrize("powers", [(0.0, 1.0), (1.0, -1.0)])
def test_a_power_that_is_none_is_refused(powers):
    with pytest.raises(ValueError, match="power="):
        LearnedPrecoder(UNFOLDED, *powers, user_antennas=2)
