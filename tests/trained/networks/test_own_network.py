"""A network in a user's own file: trained, evaluated and streamed with nothing else edited."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from blocks import LSEstimator, NeuralCalibration, run_block
from flowgraphs.wiring.link import wire
from sim.world.scenario import Scenario
from tests.trained import small
from trained.evaluation.reference import Reference
from trained.evaluation.table import evaluated, table_scenarios
from trained.networks import NETWORKS, find_network
from trained.store import load_network
from trained.testing import check_network
from trained.training.run import Run, train

HERE = Path(__file__).parent
S = Scenario(antennas=16, users=4, world=small.ROOM)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """my.py:Shrink."""
    before = dict(NETWORKS)
    file = tmp_path_factory.mktemp("own") / "my.py"
    shutil.copy(HERE / "own_network.py", file)
    yield f"{file}:Shrink"
    NETWORKS.clear()
    NETWORKS.update(before)


@pytest.fixture(scope="module")
def weights(spec, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    return train(small.settings(spec, {"start_gain": 0.9}), Run(folder=folder, logs=folder / "logs", blocks=10), small.console())


def test_the_docs_print_the_network_that_is_tested():
    printed = re.findall(r"```python\n(.*?)```", (HERE.parents[2] / "docs" / "extending.md").read_text(), re.DOTALL)
    tested = (HERE / "own_network.py").read_text()
    assert [text for text in printed if "class Shrink" in text and text in tested]


def test_it_keeps_the_contract(spec):
    assert check_network(find_network(spec), S)


def test_it_is_trained_by_its_file_and_kept_by_its_name(weights):
    assert weights.name == "shrink-m16.safetensors"
    network, card = load_network(str(weights))
    assert (card.network, card.config) == ("shrink", {"start_gain": 0.9})
    assert card.curve["points"] and network.gain.detach().std() > 0


def test_it_is_evaluated(weights):
    network, _ = load_network(str(weights))
    assert all(row["fraction_of_wmmse"] > 0 for row in evaluated(network, table_scenarios(network, S), 10))


@pytest.mark.parametrize("workers", ["thread", "process"])
def test_it_streams_and_gives_the_rates_of_its_evaluation(weights, workers):
    found = wire(S, "ls", str(weights), "calibrated", "cpu").run(blocks=40, workers=workers)["RateSink"]["rates"]
    np.testing.assert_allclose(found, Reference.of(S, 40).rate_of(load_network(str(weights))[0]), rtol=1e-3)


def test_its_block_gives_a_channel_alone(weights):
    y = S.uplink(range(3)) @ S.pilot_matrix()
    h_est = run_block(LSEstimator(S.pilot_matrix()), y=y)["h_est"]
    assert run_block(NeuralCalibration(str(weights), 1e-12, 3.0, 1e-9), h_est=h_est).keys() == {"h_est"}
