"""Every network keeps the contract: those of the folder, whatever they are."""

import pytest

from sim.world.scenario import Scenario
from tests.support import rayleigh
from tests.trained.small import ROOM, config
from trained.networks import NETWORKS
from trained.testing import check_network

LINK = Scenario(antennas=16, users=4, world=ROOM, split="train")


@pytest.mark.parametrize("kind", list(NETWORKS.values()), ids=list(NETWORKS))
def test_a_network_keeps_the_contract(kind):
    assert "weights survive the file, in half precision where they are large" in check_network(kind, LINK, config(kind))


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS.values() if kind.several_antennas], ids=lambda kind: kind.name)
def test_a_network_for_users_with_several_antennas_keeps_it_there_too(kind):
    assert check_network(kind, rayleigh(12, 3, user_antennas=2), config(kind))
