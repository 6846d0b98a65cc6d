import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save
from trained.evaluation.evaluate import Reference

from sim.rate import sum_rate
from sim.world.scenario import Scenario
from trained.store import SHIPPED, find_weights, known, load_network


@pytest.mark.parametrize(("users", "least"), [(8, 0.88), (10, 0.87)])
def test_shipped_weights_reach_their_share_of_wmmse(users, least):
    """Default scenario, uplink pilots only, 1,000 test blocks; WMMSE with 200 iterations and perfect CSI as 100 %."""
    network, card = load_network("calibrated-m64")
    reference = Reference.of(Scenario(users=users), 1000)
    fraction = reference.rate_of(network).mean() / reference.wmmse_rate.mean()
    assert fraction >= least
    (row,) = [row for row in card["results"]["rows"] if row["users"] == users]
    assert fraction == pytest.approx(row["fraction_of_wmmse"], abs=2e-3)


def test_every_shipped_file_has_a_card_that_tells_how_it_was_made():
    assert known()
    for name in known():
        network, card = load_network(name)
        assert name.startswith("paper-") or find_weights(name).stat().st_size <= 6_000_000
        assert card.keys() >= {
            "architecture",
            "csi",
            "antennas",
            "scenario",
            "training",
            "seed",
            "split",
            "results",
            "versions",
            "curve",
            "sha256",
        }
        assert sum(p.numel() for p in network.parameters()) > 0


def test_noise_of_the_reference_estimates_is_that_of_the_pilots():
    s = Scenario(users=4)
    reference = Reference.of(s, 300)
    error = reference.h_est - s.uplink(range(300))
    assert np.mean(np.abs(error) ** 2) == pytest.approx(s.noise_power / (s.uplink_power * 4), rel=0.02)
    assert (reference.wmmse_rate > sum_rate(reference.h_dl @ reference.h_est, s.noise_power)).all()


def test_unknown_weights_are_named_with_what_there_is():
    with pytest.raises(FileNotFoundError, match=r"'nonsense'.*calibrated-m64"):
        load_network("nonsense")
    with pytest.raises(FileNotFoundError, match="'calibrated' for antennas=48.*trained.training.train --antennas 48"):
        load_network("calibrated", 48)


def test_a_card_without_its_weights_says_how_to_train_them(tmp_path, monkeypatch):
    monkeypatch.setenv("CALIBEAM_WEIGHTS", str(tmp_path))
    shutil.copy(SHIPPED / "calibrated-m64.json", tmp_path / "paper-conference-m64.json")
    with pytest.raises(FileNotFoundError, match="m64 are too large to come along.*trained.training.train --config .*m64.json"):
        load_network("paper-conference", 64)
    with pytest.raises(FileNotFoundError, match="no calibration weights 'paper-conference' for antennas=48"):
        load_network("paper-conference", 48)


def test_weights_for_another_array_are_named():
    with pytest.raises(ValueError, match="calibrated-m64 are for antennas=64, the link has antennas=32"):
        load_network("calibrated-m64", 32)


@pytest.fixture
def copy(tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(SHIPPED / f"calibrated-m64{suffix}", tmp_path / f"own{suffix}")
    return tmp_path / "own.safetensors"


def test_own_weights_are_loaded_by_path(copy):
    assert load_network(str(copy), 64)[1]["antennas"] == 64
    assert load_network(str(copy.with_suffix("")), 64)


def test_missing_or_foreign_card_is_named(copy):
    card = json.loads(copy.with_suffix(".json").read_text())
    unhashed = json.dumps({key: value for key, value in card.items() if key != "sha256"})
    unknown = json.dumps(card | {"architecture": {"name": "os.system"}})
    smaller = json.dumps(card | {"architecture": {"name": "Calibration", "arguments": {"antennas": 32}}})
    for content, message in (
        (None, "has no card"),
        ("{", "is not a card"),
        ("{}", "is not a card"),
        (unknown, "unknown architecture"),
        (unhashed, "is not a card"),
        (smaller, "does not hold"),
    ):
        copy.with_suffix(".json").unlink(missing_ok=True)
        if content is not None:
            copy.with_suffix(".json").write_text(content)
        with pytest.raises(ValueError, match=message):
            load_network(str(copy))


def test_damaged_weights_are_named(copy):
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    for damaged in (content, content[:1000], b""):
        copy.write_bytes(damaged)
        with pytest.raises(ValueError, match="own.safetensors is damaged .*SHA-256") as caught:
            load_network(str(copy))
        assert len(str(caught.value).splitlines()) == 1


def test_weights_of_another_architecture_are_named_even_where_the_hash_fits(copy):
    content = save({"refine.0.weight": torch.zeros(3)})
    copy.write_bytes(content)
    card = json.loads(copy.with_suffix(".json").read_text())
    copy.with_suffix(".json").write_text(json.dumps(card | {"sha256": hashlib.sha256(content).hexdigest()}))
    with pytest.raises(ValueError, match="does not hold the weights that its card describes") as caught:
        load_network(str(copy))
    assert len(str(caught.value).splitlines()) == 1
