import torch

from sim.world.scenario import Scenario
from tests.streams import complex_normal
from tests.support import untrained
from tests.trained.small import ROOM
from trained.networks.paper_journal_perfect import PaperJournalPerfect


@torch.no_grad()
def test_users_share_the_network(rng):
    network = untrained(PaperJournalPerfect, 16, 4, widths=(8, 8)).eval()
    h = torch.from_numpy(complex_normal(rng, 5, 16, 4))
    order = torch.from_numpy(rng.permutation(4))
    torch.testing.assert_close(network(h[..., order], 0, 1, 1)[0], network(h, 0, 1, 1)[0][..., order])


@torch.no_grad()
def test_channels_of_any_strength_look_alike_to_it(rng):
    network = untrained(PaperJournalPerfect, 16, 4, widths=(8, 8)).eval()
    h = torch.from_numpy(complex_normal(rng, 5, 16, 4))
    (one,) = network(h, 0, 1, 1)
    network.users.scale.fill_(1e-5)
    torch.testing.assert_close(network(1e-5 * h, 0, 1, 1)[0], 1e-5 * one, rtol=1e-4, atol=1e-9)


def test_the_scale_is_that_of_the_training_positions():
    network = untrained(PaperJournalPerfect, 16, 4, widths=(8,))
    s = Scenario(antennas=16, users=4, world=ROOM, split="train")
    network.start(s, torch.Generator())
    h = s.uplink_at(s.positions()[:, None])
    torch.testing.assert_close(float(network.users.scale), float((abs(h) ** 2).mean() ** 0.5), rtol=1e-4, atol=0)
