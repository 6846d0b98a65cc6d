import pytest
import torch

from sim.pilots import dft_pilots
from tests.support import untrained
from trained.networks import Gives, Network, Size
from trained.networks.calibrated_perfect import CalibratedPerfect
from trained.networks.paper_conference import PaperConference
from trained.networks.paper_journal import PaperJournal
from trained.training.drops import Drop


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 1, 1), "antennas=0 has to be at least 1"),
        ((8, 0, 1), "min_users=0 has to be at least 1"),
        ((8, 5, 4), "min_users=5 is above max_users=4"),
        ((8, 2, 9), "users=9 with streams=1 need at least 9 antennas, got antennas=8"),
        ((8, 2, 5, 2, 2), "users=5 with streams=2 need at least 10 antennas"),
        ((8, 2, 4, 1, 2), "streams=2 of a user with user_antennas=1"),
    ],
)
def test_a_size_that_cannot_be_is_named(sizes, message):
    with pytest.raises(ValueError, match=message):
        Size(*sizes)


def test_a_network_that_overrides_nothing_hears_dft_pilots():
    network = untrained(CalibratedPerfect, 8, 4)
    torch.testing.assert_close(network.unit_pilots(3), torch.from_numpy(dft_pilots(3, 3, 1.0)))
    assert not network.has_own_pilots() and not network.calibrates_received()


def test_what_a_network_overrides_is_known_of_its_class():
    assert PaperConference.has_own_pilots() and not PaperConference.calibrates_received()
    assert PaperJournal.calibrates_received()


def test_a_network_without_forward_is_named():
    class Empty(Network):
        pass

    with pytest.raises(NotImplementedError, match="Empty defines no forward"):
        Empty(Size(4, 1, 2))(None, None, None, None)


@pytest.mark.parametrize("gives", [Gives.CHANNEL, Gives.STRUCTURE, Gives.PRECODER])
def test_the_loss_is_minus_the_rate_of_a_user_with_the_precoder_that_is_meant(gives):
    class Constant(Network):
        def forward(self, heard, estimate_noise, power, noise_power):
            equal = power[:, None].expand(-1, heard.shape[2]) / heard.shape[2]
            return {Gives.CHANNEL: (heard,), Gives.STRUCTURE: (heard, equal, equal), Gives.PRECODER: (heard,)}[gives]

    Constant.gives = gives
    torch.manual_seed(1)
    h = torch.eye(4, 2, dtype=torch.complex64).expand(3, 4, 2)
    drop = Drop(h, torch.zeros(3), h.mH, torch.full((3,), 2.0))
    loss = Constant(Size(4, 2, 2)).loss(drop, 1.0, 0.5)
    assert float(loss) == pytest.approx(-1.0)  # orthogonal channels, one mW for each user: log2(1 + 1)
