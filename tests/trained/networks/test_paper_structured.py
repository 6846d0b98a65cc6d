import torch

from sim.world.scenario import Scenario
from tests.support import untrained
from trained.evaluation.reference import Reference
from trained.networks.paper_structured import PaperStructured


def test_powers_are_equal_and_sum_to_the_budget():
    network = untrained(PaperStructured, 16, 4, widths=(8,)).eval()
    heard = torch.randn(3, 16, 4, dtype=torch.complex64)
    with torch.no_grad():
        h, p, q = network(heard, 0.1, torch.tensor([1.0, 2.0, 4.0]), 1.0)
    assert h.shape == heard.shape
    torch.testing.assert_close(p, torch.tensor([0.25, 0.5, 1.0])[:, None].expand(3, 4))
    torch.testing.assert_close(p, q)


def test_a_perfect_estimate_gives_more_than_zero_forcing(monkeypatch):
    """Untrained, with the MLP left out and the true channel in place of the estimate: the basis alone."""
    s = Scenario(antennas=16, users=8)
    network = untrained(PaperStructured, 16, 8, widths=(8,))
    network.users = torch.nn.Identity()
    reference = Reference.of(s, 100)
    monkeypatch.setattr(Reference, "_heard_by", lambda self, network: self.true_channel)
    share = reference.rate_of(network).mean() / reference.wmmse_rate.mean()
    assert reference.shares_of_zero_forcing()["zf_perfect_csi"] + 0.2 < share <= 1
