import numpy as np
import pytest
import torch

from blocks import LearnedMIMOPrecoder, LearnedPrecoder, WiringError, run_block
from blocks.runtime import Flowgraph
from flowgraphs.fdd_e2e import wire
from sim.world.rayleigh import RayleighScenario
from sim.world.scenario import Scenario
from tests.support import ArraySource, Collect, complex_normal, paper_weights, precoder_weights
from trained.evaluation.evaluate import Reference
from trained.networks.data_driven import DataDrivenPerfect, DataDrivenPilots
from trained.networks.unfolding import Unfolding
from trained.store import load_network

S = Scenario(antennas=16, users=4)


@pytest.mark.parametrize("kind", [DataDrivenPilots, DataDrivenPerfect, Unfolding])
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
        (DataDrivenPilots, "y", (8, 4), "8 on one side, M=16"),
        (DataDrivenPilots, "y", (16, 3), "3 on one side, L=4"),
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


def test_the_mimo_block_is_the_network(tmp_path):
    weights = precoder_weights(tmp_path, Unfolding, antennas=8, users=3, user_antennas=2, streams=2)
    h = RayleighScenario(8, 3).channels(range(7))
    v = run_block(LearnedMIMOPrecoder(weights, 100.0, 8), h=h)["v"]
    with torch.no_grad():
        expected = load_network(weights)[0].precoders(torch.from_numpy(h) * 10).numpy() * 10
    np.testing.assert_allclose(v, expected, rtol=1e-5, atol=1e-5)


def test_other_weights_are_refused(tmp_path):
    calibration = str(paper_weights(tmp_path, "conference", 16))
    with pytest.raises(ValueError, match="give no precoder: use CalibrationMLP"):
        LearnedPrecoder(calibration, 1.0, 1.0)
    with pytest.raises(ValueError, match="not for users with several antennas"):
        LearnedMIMOPrecoder(calibration, 1.0)
    several = precoder_weights(tmp_path, Unfolding, antennas=8, users=3, user_antennas=2, streams=2)
    with pytest.raises(ValueError, match="use LearnedMIMOPrecoder"):
        LearnedPrecoder(several, 1.0, 1.0)
    own = precoder_weights(tmp_path, Unfolding, antennas=16, users=4)
    with pytest.raises(ValueError, match="is a precoder itself"):
        wire(S, "ls", own, "zf", "cpu")
