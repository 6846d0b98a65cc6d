import pytest
import torch

from sim.world.scenario import Scenario
from tests.streams import complex_normal
from tests.support import untrained
from tests.trained.small import ROOM
from trained.networks.paper_journal import PaperJournal


@pytest.fixture
def network():
    return untrained(PaperJournal, 16, 4, widths=(8,), antenna_widths=(6,)).eval()


@torch.no_grad()
def test_antennas_share_what_calibrates_the_received_pilots(network, rng):
    y = torch.from_numpy(complex_normal(rng, 5, 16, 4))
    order = torch.from_numpy(rng.permutation(16))
    torch.testing.assert_close(network.received(y[:, order]), network.received(y)[:, order])


def test_another_number_of_users_is_named(network):
    assert network.serves(4) and not network.serves(3)
    with pytest.raises(ValueError, match="users=3: these weights are for 4 users and as many pilots"):
        network.unit_pilots(3)


def test_received_pilots_are_scaled_by_their_energy(network):
    s = Scenario(antennas=16, users=4, world=ROOM, split="train")
    network.start(s, torch.Generator())
    typical = torch.from_numpy(s.uplink(range(300)) @ s.pilot_matrix())
    assert float(typical.abs().square().mean().sqrt() / network.antennas.scale) == pytest.approx(1, rel=0.1)
