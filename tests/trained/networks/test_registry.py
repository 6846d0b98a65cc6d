import importlib.metadata
from pathlib import Path

import pytest

from trained import networks
from trained.networks import NETWORKS, Network, find_network, network
from trained.networks.calibrated import Calibrated
from trained.networks.registry import load_networks

FOLDER = networks.__path__[0]


@pytest.fixture(autouse=True)
def unchanged(monkeypatch):
    before = dict(NETWORKS)
    yield
    NETWORKS.clear()
    NETWORKS.update(before)


def test_every_file_of_the_folder_that_makes_a_network_is_known():
    files = {file.stem for file in Path(FOLDER).glob("*.py") if "@network(" in file.read_text() and file.stem not in ("base", "registry")}
    assert {kind.__module__.rpartition(".")[2] for kind in NETWORKS.values()} == files
    assert {name.replace("-", "_") for name in NETWORKS} == files


def test_an_unknown_network_is_named_with_what_there_is():
    with pytest.raises(ValueError, match=r"network='magic' is not one of .*calibrated.*my.py:Mine"):
        find_network("magic")


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ValueError, match="network 'calibrated' of .*has the name of one of trained.networks.calibrated"):

        @network("calibrated", title="another")
        class Another(Network):
            pass


def test_a_class_of_a_file_is_found_by_its_own_name_too(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from trained.networks import Network, network\n@network('own', title='t')\nclass Mine(Network): pass\n"
    )
    made = find_network(f"{tmp_path / 'mine.py'}:Mine")
    assert find_network("own") is made and find_network(f"{tmp_path / 'mine.py'}:Mine") is made


def test_a_class_of_a_file_without_a_name_gets_that_of_the_class(tmp_path):
    (tmp_path / "bare.py").write_text("from trained.networks import Network\nclass Bare(Network): pass\n")
    made = find_network(f"{tmp_path / 'bare.py'}:Bare")
    assert (made.name, made.title) == ("bare", "Bare") and NETWORKS["bare"] is made


def test_a_class_derived_from_a_network_is_not_taken_for_it(tmp_path):
    (tmp_path / "derived.py").write_text("from trained.networks.calibrated import Calibrated\nclass Deeper(Calibrated): pass\n")
    made = find_network(f"{tmp_path / 'derived.py'}:Deeper")
    assert made.__name__ == "Deeper" and made.name == "deeper"
    assert find_network("calibrated") is Calibrated


def test_networks_of_installed_packages_are_known_and_one_that_fails_is_told_of(monkeypatch):
    class Given(Network):
        """Of a package."""

    points = [
        importlib.metadata.EntryPoint("given", "package:Given", "calibeam.networks"),
        importlib.metadata.EntryPoint("broken", "no_such_package:Broken", "calibeam.networks"),
    ]
    monkeypatch.setattr("trained.networks.registry.entry_points", lambda group: points)
    load = importlib.metadata.EntryPoint.load
    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", lambda self: Given if self.name == "given" else load(self))
    with pytest.warns(UserWarning, match="the network broken of no_such_package:Broken cannot be used: ModuleNotFoundError"):
        load_networks()
    assert find_network("given") is Given and "broken" not in NETWORKS
