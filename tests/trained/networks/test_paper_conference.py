import pytest
import torch

from sim.pilots import dft_pilots
from tests.support import untrained
from trained.networks.paper_conference import PaperConference


@pytest.fixture
def network():
    return untrained(PaperConference, 16, 4, min_users=2, widths=(8,))


@pytest.mark.parametrize("users", [2, 3, 4])
def test_training_starts_at_dft_pilots(network, users):
    torch.testing.assert_close(network.unit_pilots(users).detach(), torch.from_numpy(dft_pilots(users, users, 1.0)))


def test_every_user_keeps_its_pilot_energy_whatever_is_learned(network):
    with torch.no_grad():
        for pilots in network.pilots.values():
            pilots.add_(torch.randn(pilots.shape))
        energy = network.unit_pilots(3).abs().square().sum(1)
    torch.testing.assert_close(energy, torch.full((3,), 3.0))


def test_a_number_of_users_that_it_has_no_pilots_for_is_named(network):
    assert network.serves(4) and not network.serves(5)
    with pytest.raises(ValueError, match="users=5: these weights have learned pilots for 2 to 4 users"):
        network.unit_pilots(5)
