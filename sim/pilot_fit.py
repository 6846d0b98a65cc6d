"""How received pilots compare with the pilots that are expected: level, share in their row space, level and noise of each user."""

from __future__ import annotations

import numpy as np

from sim.checks import positive


class PilotFit:
    """Measures received pilots Y = H X + N of shape (B, M, L) against pilots X (K, L) of rank r and a noise power sigma^2 in mW.

    share_of_noise: r / L, the share of the energy of noise that lies in the row space of X; whole: r = L, the row space is everything;
    estimate_noise: (K,) noise power per entry of the estimate Y X^+.
    Raises ValueError for a noise power <= 0 and for pilots that are zero.
    """

    def __init__(self, pilots: np.ndarray, noise_power: float):
        self.pilots, self.noise_power = np.asarray(pilots, np.complex128), positive("noise_power", noise_power)
        self.rank = int(np.linalg.matrix_rank(self.pilots))
        if not self.rank:
            raise ValueError(f"pilots of shape {self.pilots.shape} are zero")
        self._inverse = np.linalg.pinv(self.pilots)
        self._basis = np.linalg.svd(self.pilots)[2][: self.rank].conj().T
        self.share_of_noise = self.rank / self.pilots.shape[1]
        self.whole = self.rank == self.pilots.shape[1]
        self.estimate_noise = self.noise_power * (np.abs(self._inverse) ** 2).sum(0)

    def measure(self, y: np.ndarray) -> dict[str, np.ndarray]:
        """Per coherence block: level (B,) mW per sample; inside (B,) of it in the row space of X; gain (B, K) |h_k|^2 / M less its noise,
        which may be negative; spread_db (B,) standard deviation over the users of the gains in dB, none below a tenth of its noise.
        """
        y = y.astype(np.complex128)
        entries = y.shape[1] * y.shape[2]
        gain = _energy(y @ self._inverse).mean(1) - self.estimate_noise
        level = _energy(y).mean((1, 2))
        return {
            "level": level,
            "inside": level if self.whole else _energy(y @ self._basis).sum((1, 2)) / entries,
            "gain": gain,
            "spread_db": (10 * np.log10(np.maximum(gain, 0.1 * self.estimate_noise))).std(1),
        }

    def quality(self, level: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """(share - r / L) / (expected share - r / L), where pilots at this level in this noise give the expected share; 1 is right, 0 is
        what noise has. NaN where the level is not above the noise.
        """
        noise = self.share_of_noise
        expected = 1 - (1 - noise) * self.noise_power / np.maximum(level, 1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(expected > noise, (inside / np.maximum(level, 1e-300) - noise) / (expected - noise), np.nan)

    def certain(self, level: np.ndarray, rows: int) -> np.ndarray:
        """True where the level is so far above the noise that `quality`, over that many rows of L samples, is no accident (6 sigma)."""
        noise = self.share_of_noise
        expected = 1 - (1 - noise) * self.noise_power / np.maximum(level, 1e-300)
        return expected - noise > 6 * np.sqrt(noise * (1 - noise) / (rows * self.pilots.shape[1] + 1))

    def noise_beside(self, level: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Power per sample, mW, of what lies outside of the row space: the noise, where the pilots are right."""
        return (level - inside) / (1 - self.share_of_noise)


def _energy(z: np.ndarray) -> np.ndarray:
    return z.real**2 + z.imag**2
