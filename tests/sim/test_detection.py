import numpy as np
import pytest

from blocks import AWGN, LMMSEDetector, MFDetector, QAMSource, ZFDetector, run_block
from sim.detection import lmmse_detector, matched_filter, zero_forcing_detector
from sim.modulation import decide, random_symbols
from tests.streams import complex_normal

B, M, K, T = 5, 16, 4, 200
RNG = np.random.default_rng(3)
H = complex_normal(RNG, B, M, K)
S = random_symbols(16, 1, range(B), (K, T))


def noisy(noise):
    return (H @ S + np.sqrt(noise) * complex_normal(RNG, B, M, T)).astype(np.complex64)


def test_zero_forcing_without_noise_gives_the_symbols_back():
    np.testing.assert_allclose(zero_forcing_detector(H @ S, H), S, atol=1e-4)


def test_lmmse_of_vanishing_noise_is_zero_forcing_and_has_the_least_error():
    y = noisy(1.0)
    np.testing.assert_allclose(lmmse_detector(y, H, 1.0, 1e-9), zero_forcing_detector(y, H), atol=1e-4)
    error = {
        name: (np.abs(s - S) ** 2).mean()
        for name, s in (("mf", matched_filter(y, H)), ("zf", zero_forcing_detector(y, H)), ("lmmse", lmmse_detector(y, H, 1.0, 1.0)))
    }
    assert error["lmmse"] < error["zf"] < error["mf"]


def test_matched_filter_is_exact_for_one_user_and_orthogonal_ones():
    np.testing.assert_allclose(matched_filter(H[..., :1] @ S[:, :1], H[..., :1]), S[:, :1], atol=1e-5)
    orthogonal = np.linalg.qr(H)[0] * np.array([1, 2, 3, 4], np.float32)
    np.testing.assert_allclose(matched_filter(orthogonal @ S, orthogonal), S, atol=1e-4)


@pytest.mark.parametrize("detect", [matched_filter, zero_forcing_detector, lambda y, h: lmmse_detector(y, h, 1.0, 0.3)])
def test_permuting_users_permutes_their_symbols(detect):
    order = [2, 0, 3, 1]
    y = noisy(0.3)
    np.testing.assert_allclose(detect(y, H[..., order]), detect(y, H)[:, order], atol=1e-4)


def test_blocks_detect_what_was_sent():
    sent = run_block(QAMSource(K, T, 16, seed=1), range(B))["symbols"]
    y = run_block(AWGN(0.01, seed=2), y=H @ sent)["y"]
    for block in (ZFDetector(), LMMSEDetector(1.0, 0.01)):
        assert (np.abs(decide(run_block(block, y=y, h_est=H)["symbols"], 16) - sent) > 1e-3).mean() < 0.001
    assert run_block(MFDetector(), y=y, h_est=H)["symbols"].shape == (B, K, T)


def test_dependent_users_and_wrong_shapes_are_named():
    same = H.copy()
    same[2, :, 1] = same[2, :, 0]
    with pytest.raises(ValueError, match="linearly dependent; use the LMMSE"):
        zero_forcing_detector(noisy(1.0), same)
    silent = H.copy()
    silent[1, :, 0] = 0
    with pytest.raises(ValueError, match="zero or linearly dependent"):
        matched_filter(noisy(1.0), silent)
    with pytest.raises(ValueError, match=r"shape \(5, 4, 200\)"):
        zero_forcing_detector(S, H)
    for arguments in ((0.0, 1.0), (1.0, -1.0)):
        with pytest.raises(ValueError, match="power="):
            LMMSEDetector(*arguments)
