"""What rates the link gives."""

import re

import numpy as np
import pytest

from blocks import run_block
from flowgraphs.wiring.link import wire
from sim.world.scenario import Scenario
from tests.flowgraphs.link_process import main, measured
from tests.support import paper_weights
from trained.evaluation.reference import Reference
from trained.store import load_network


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("default"))


def test_json_holds_configuration_rates_and_versions(default):
    assert default.keys() == {
        "scenario",
        "graph",
        "seed",
        "blocks",
        "methods",
        "throughput_blocks_per_s",
        "latency_ms",
        "metrics",
        "versions",
        "partial",
        "true_channel",
    }
    assert default["scenario"]["antennas"] == 64 and default["scenario"]["world"]["size_m"] == [10.0, 10.0, 5.0]
    assert default["methods"].keys() == {"link", "wmmse_perfect_csi", "zf_perfect_csi", "ls_zf_uplink"}
    for row in default["methods"].values():
        assert row.keys() == {"sum_rate", "ci95", "fraction_of_wmmse", "fraction_ci95"}
        assert 0 < row["ci95"] < row["sum_rate"] and row["fraction_ci95"] < 0.1
    assert not default["partial"] and not default["true_channel"]
    assert default["latency_ms"]["p50"] <= default["latency_ms"]["p99"]
    assert default["metrics"]["RateSink"]["blocks"] == 150
    assert default["versions"].keys() >= {"python", "calibeam", "torch", "numba", "numpy"}


def test_calibration_gains_over_the_classic_receiver(default):
    share = {name: row["fraction_of_wmmse"] for name, row in default["methods"].items()}
    assert share["wmmse_perfect_csi"] == 1.0
    assert share["ls_zf_uplink"] < 0.5 < 0.88 <= share["link"] < 1.0


@pytest.mark.parametrize(
    "options",
    [
        ("--batch", "1"),
        ("--batch", "150", "--transport", "tcp"),
        ("--batch", "37", "--transport", "ipc"),
        ("--workers", "process"),
        ("--workers", "process", "--transport", "tcp", "--batch", "20"),
    ],
)
def test_rates_do_not_depend_on_batch_transport_or_workers(default, tmp_path, options):
    again = measured(tmp_path, *options)
    for name, row in default["methods"].items():
        assert again["methods"][name]["sum_rate"] == pytest.approx(row["sum_rate"], rel=1e-6)


def test_seeds_differ_and_repeat(default, tmp_path):
    other = [measured(tmp_path, "--seed", "4", "--no-compare")["methods"]["link"]["sum_rate"] for _ in range(2)]
    assert other[0] == other[1] != default["methods"]["link"]["sum_rate"]


@pytest.mark.parametrize("estimator", ["ls", "scaled-ls", "lmmse"])
@pytest.mark.parametrize("precoder", ["zf", "rzf", "mrt", "wmmse", "calibrated"])
def test_every_estimator_and_precoder_streams(estimator, precoder):
    for calibration in ("none", "calibrated"):
        scenario = Scenario(users=4)
        rate = wire(scenario, estimator, calibration, precoder, "cpu").run(blocks=40)["RateSink"]["sum_rate"]
        assert rate > 2


def test_learned_powers_for_known_channels_beat_wmmse(tmp_path):
    found = measured(tmp_path, "--calibration", "calibrated-perfect", "--antennas", "32")
    assert "GenieCSI.h_est (32, 8) complex64 -> NeuralCalibration.h_est" in found["graph"]["connections"]
    assert found["methods"]["link"]["fraction_of_wmmse"] >= 0.998


def test_streaming_gives_what_evaluation_gives():
    for weights in ("calibrated-m64", "calibrated-perfect"):
        scenario = Scenario(users=6)
        streamed = wire(scenario, "ls", weights, "calibrated", "cpu").run(blocks=50)["RateSink"]["rates"]
        evaluated = Reference.of(scenario, 50).rate_of(load_network(weights)[0])
        assert streamed == pytest.approx(evaluated, rel=1e-4)


@pytest.mark.parametrize("paper", ["conference", "journal", "perfect"])
def test_networks_of_the_papers_stream_what_evaluation_gives(tmp_path, paper):
    file, scenario = str(paper_weights(tmp_path, paper, 32)), Scenario(antennas=32, users=4)
    link = wire(scenario, "ls", file, "calibrated", "cpu")
    names = [block.name for block in link.nodes]
    assert ("PilotCalibration" in names, "GenieCSI" in names, "ZFPrecoder" in names) == (paper == "journal", paper == "perfect", True)
    evaluated = Reference.of(scenario, 50).rate_of(load_network(file)[0])
    assert link.run(blocks=50)["RateSink"]["rates"] == pytest.approx(evaluated, rel=1e-4)


def test_learned_pilots_are_sent_at_exactly_the_uplink_power(tmp_path):
    scenario = Scenario(antennas=32, users=4)
    link = wire(scenario, "ls", str(paper_weights(tmp_path, "conference", 32)), "calibrated", "cpu")
    source, estimator = link.nodes[0], link.nodes[3]
    sent = run_block(source, range(2))["pilots"]
    np.testing.assert_allclose(np.sum(np.abs(sent.astype(complex)) ** 2, axis=2), scenario.uplink_power * 4, rtol=1e-6)
    assert np.abs(sent[0] - scenario.pilot_matrix()).max() > 0.1 * np.abs(sent).max()
    received = scenario.uplink(range(2)) @ sent
    np.testing.assert_allclose(run_block(estimator, y=received)["h_est"], scenario.uplink(range(2)), rtol=1e-3, atol=1e-9)


def test_users_and_pilots_that_a_paper_network_was_not_trained_for_are_named(tmp_path, command):
    conference, journal = (str(paper_weights(tmp_path, paper)) for paper in ("conference", "journal"))
    for weights, options, message in (
        (conference, ("--users", "5"), "users=5: these weights have learned pilots for 2 to 4 users"),
        (journal, ("--users", "8"), "users=8: these weights are for 4 users"),
        (conference, ("--users", "4", "--pilots", "6"), "pilots=6: .* as many pilots as users, 4"),
    ):
        code, _, errors = command(main, "--calibration", weights, *options)
        assert code == 2 and re.search(message, errors) and len(errors.splitlines()) == 1


def test_fewer_pilots_than_users_work_except_with_least_squares(tmp_path):
    for estimator in ("scaled-ls", "lmmse"):
        found = measured(tmp_path, "--pilots", "4", "--estimator", estimator, "--blocks", "40", "--calibration", "none")
        assert found["methods"]["ls_zf_uplink"] is None and found["methods"]["link"]["sum_rate"] > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--users", "70"), "users=70 needs at least 70 antennas, got antennas=64"),
        (("--pilots", "4"), "users=8 needs at least 8 pilot symbols"),
        (("--blocks", "-5"), "blocks=-5"),
        (("--batch", "0"), "batch=0"),
        (("--noise-dbm", "nan"), "noise_dbm=nan"),
        (("--calibration", "nonsense"), "no weights 'nonsense'"),
        (("--antennas", "48"), "train some with: calibeam train --antennas 48"),
        (("--antennas", "32", "--calibration", "calibrated-m64"), "are for antennas=64, the link has antennas=32"),
        (("--precoder", "dirty"), "precoder='dirty'"),
        (("--estimator", "guess"), "'--estimator': 'guess'"),
        (("--transport", "pigeon"), "pigeon"),
        (("--workers", "elf"), "elf"),
        (("--device", "abacus"), "abacus"),
        (("--seed", "-1"), "seed=-1"),
        (("--deepmimo", ".", "."), "holds no DeepMIMO scenario"),
        (("--deepmimo", "/nowhere", "/nowhere"), "not a folder"),
        (("--json", "/nowhere/r.json"), "no folder /nowhere"),
        (("--plot", "r.bmp"), "r.bmp"),
    ],
)
def test_bad_argument_is_one_line_and_exit_code_2(options, message, command):
    code, output, errors = command(main, *options)
    assert code == 2
    assert message in errors
    assert len(errors.splitlines()) == 1 and output == ""
