import pytest
import torch

from tests.support import untrained
from trained.networks.channel_mapping import ChannelMapping
from trained.training.drops import Drop


def test_channel_mapping_is_trained_by_mean_squared_error():
    net = untrained(ChannelMapping, 16, 3, widths=(32,)).eval()
    h = torch.randn(5, 3, 16, dtype=torch.complex64)
    drop = Drop(h.mT.contiguous(), torch.zeros(5), h, torch.ones(5))
    with torch.no_grad():
        (estimate,) = net(drop.heard, None, None, None)
        expected = (estimate - h.mH).abs().square().mean()
        assert float(net.loss(drop, 1.0, 0.5)) == pytest.approx(float(expected), rel=1e-5)
        net.users.scale.fill_(2.0)
        assert float(net.loss(drop, 1.0, 0.5)) != pytest.approx(float(expected), rel=1e-2)
