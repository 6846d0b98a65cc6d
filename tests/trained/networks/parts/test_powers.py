import torch

from trained.networks.parts.powers import PowerRounds

POWER, USER_NOISE = 3.16, 3.16e-9


def test_every_user_keeps_power_above_zero(rng):
    powers = PowerRounds(16, rounds=1, floor=0.01)
    torch.nn.init.normal_(powers.rounds[0].out.weight, std=30.0)
    p, q = powers(torch.complex(*torch.from_numpy(rng.standard_normal((2, 5, 64, 6)) * 3e-6).float()), [], POWER, USER_NOISE)
    assert p.min() >= 0.009 * POWER / 6 and q.min() > 0
    torch.testing.assert_close(p.sum(1), torch.full((5,), POWER))
