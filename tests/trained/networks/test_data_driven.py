import numpy as np
import torch

from sim.world.scenario import Scenario
from tests.support import untrained
from trained.networks.data_driven import DataDriven


def test_from_pilots_it_is_told_nothing_but_what_was_received():
    net = untrained(DataDriven, 16, 4, dense=64).eval()
    s = Scenario(antennas=16, users=4)
    y = torch.from_numpy(s.uplink(range(6)) @ s.pilot_matrix())
    with torch.no_grad():
        (v,) = net(y, 0.0, torch.full((6,), 2.0), s.noise_power)
    assert v.shape == (6, 16, 4)
    np.testing.assert_allclose((v.abs() ** 2).sum((1, 2)), 2, rtol=1e-5)
    assert net.hears == "received" and net.serves(4) and not net.serves(3)
