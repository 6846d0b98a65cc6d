import numpy as np
import pytest

from blocks import FingerprintCSI
from sim.estimation import estimate, least_squares_matrix
from sim.structured import structured_precoder
from sim.world.scenario import Scenario
from trained.evaluation.fingerprint import Fingerprint
from trained.evaluation.reference import Reference

S = Scenario(antennas=64, users=4)
NOISE = S.noise_power / (S.uplink_power * S.users)


def heard(reference):
    """Least-squares estimates (B, M, K) of the uplink."""
    pilots = S.pilot_matrix()
    return estimate(reference.received(pilots), least_squares_matrix(pilots))


def test_posterior_mean_equals_its_formula():
    fingerprint, reference = Fingerprint(S, thinning=2000), Reference.of(S, 3)
    h_est = heard(reference)
    found = fingerprint.posterior_mean(h_est, NOISE)
    u, d = fingerprint.uplink.numpy().astype(complex), fingerprint.downlink.numpy().astype(complex)
    for b in range(3):
        for k in range(4):
            c = u.conj() @ h_est[b, :, k]
            score = -(np.sum(np.abs(u) ** 2, axis=1) - 2 * np.abs(c)) / NOISE
            weight = np.exp(score - score.max())
            expected = (weight / weight.sum() * c / np.abs(c)) @ d
            np.testing.assert_allclose(found[b, :, k], expected, atol=1e-3 * np.abs(expected).max())


def test_a_stored_position_is_recognised_and_its_phase_followed():
    fingerprint = Fingerprint(S, thinning=5000)
    turn = np.exp(1j)
    u, d = fingerprint.uplink.numpy()[:4].T[None], fingerprint.downlink.numpy()[:4].T[None]
    np.testing.assert_allclose(fingerprint.posterior_mean((u * turn).astype(np.complex64), 1e-13), d * turn, rtol=1e-3, atol=1e-8)


def test_more_stored_positions_give_more_rate():
    reference = Reference.of(S, 40)
    equal = np.full((40, 4), S.downlink_power / 4)
    shares = []
    for thinning in (2000, 200, 20):
        h = Fingerprint(S, thinning).posterior_mean(heard(reference), NOISE)
        shares.append(reference.rate(structured_precoder(h, equal, equal, S.noise_power)).mean() / reference.wmmse_rate.mean())
    assert shares[0] < shares[1] < shares[2] < 1
    assert shares[2] > 0.8


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="thinning=0"):
        Fingerprint(S, thinning=0)
    with pytest.raises(ValueError, match="estimate_noise=-1"):
        FingerprintCSI(S, -1.0)
