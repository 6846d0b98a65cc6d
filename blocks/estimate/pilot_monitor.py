"""Whether the pilots that arrive are those that the receiver was made for."""

from __future__ import annotations

import logging
import time

import numpy as np

from blocks.radio.stream_tags import stream_tags
from blocks.runtime import Block, Signal
from sim.checks import positive
from sim.pilot_fit import PilotFit

_log = logging.getLogger("calibeam")
_WINDOW_BLOCKS = 256
_SURE_BLOCKS = 16
_SURE_SAMPLES = 2000
_EVERY_S = 10.0
_ALIKE_USERS = 8
_SATURATED_DB = 25.0


class PilotMonitor(Block):
    """Hands received pilots on as they are, and compares them with what is expected.

    In:   y  (M, L) complex64   received pilots
    Out:  y  (M, L) complex64   the same

    Averages over the last 256 coherence blocks are in the report: "channel_db" (mean gain of a user's channel), "weakest_snr_db" and
    "strongest_snr_db" (of the users' estimates, per antenna) and, where L exceeds the rank of the pilots, "pilot_fit" (1 where the energy
    lies in the pilots' row space as far as the noise lets it, 0 where it lies as that of noise). What is out of range is logged as a
    warning that says what to change, each at most once in 10 s: samples far below the noise; noise alone; channels stronger or weaker than
    `channels_db`; pilots that do not fit; noise beside the pilots, or of the preamble (the stream tag "burst"), that is not `noise_power`;
    users who are not heard; eight users or more whose levels differ less than `spread_db`.

    With L = K the row space is everything: pilots whose rows are permuted, or turned into each other by a matrix that keeps the users'
    levels apart, cannot be told from the right ones.

    pilots: X (K, L); noise_power: mW per sample; channels_db: (weakest, mean, strongest) gain of a user's channel, and spread_db the
    least standard deviation over users, that the receiver knows, or None; strict: raise ValueError for blocks whose pilots do not fit and
    while there is noise alone, for a TolerantChain to leave out.
    Raises ValueError for a noise power <= 0.
    """

    inputs = {"y": Signal("M", "L")}
    outputs = {"y": Signal("M", "L")}

    def __init__(
        self,
        pilots: np.ndarray,
        noise_power: float,
        channels_db: tuple[float, float, float] | None = None,
        spread_db: float = 0.0,
        strict: bool = False,
    ):
        self.fit, self.noise_power = PilotFit(pilots, noise_power), positive("noise_power", noise_power)
        self.uplink_dbm = _db((np.abs(pilots) ** 2).mean(1).max())
        self.channels_db, self.spread_db, self.strict = channels_db, spread_db, strict

    def dims(self):
        return dict(zip("KL", self.fit.pilots.shape, strict=True))

    def start(self):
        self._blocks, self._antennas = 0, 1
        self._mean: dict[str, np.ndarray] = {}
        self._next: dict[str, float] = {}

    def work(self, tags, y):
        usable = y[np.isfinite(y).all((1, 2))]
        if len(usable):
            measured = self.fit.measure(usable)
            self._take(measured, len(usable), y.shape[1])
            self._take_preambles(tags)
            noise_alone = self._warn()
            if self.strict:
                self._check(measured, noise_alone)
        return y

    def report(self):
        if not getattr(self, "_blocks", 0):
            return {}
        snr = self._mean["gain"] / self.fit.estimate_noise
        found = {
            "channel_db": _db(self._mean["gain"].mean()),
            "weakest_snr_db": _db(snr.min()),
            "strongest_snr_db": _db(snr.max()),
        }
        return found if self.fit.whole else {**found, "pilot_fit": float(self._fit())}

    def _take(self, measured, count, antennas):
        self._blocks += count
        self._antennas = antennas
        share = min(1.0, count / min(self._blocks, _WINDOW_BLOCKS))
        for name, values in measured.items():
            new = values.mean(0)
            old = self._mean.get(name, new)
            self._mean[name] = old + share * (new - old)

    def _take_preambles(self, tags):
        snrs = [tag.value["snr_db"] for tag in stream_tags(tags) if tag.key == "burst" and "snr_db" in tag.value]
        if snrs:
            old = self._mean.get("preamble_db", np.mean(snrs))
            self._mean["preamble_db"] = old + min(1.0, len(snrs) / _WINDOW_BLOCKS) * (np.mean(snrs) - old)

    def _fit(self):
        return self.fit.quality(self._mean["level"], self._mean["inside"])

    def _samples(self):
        return min(self._blocks, _WINDOW_BLOCKS) * self._antennas * self.fit.pilots.shape[1]

    def _check(self, measured, noise_alone):
        if noise_alone:
            raise ValueError(f"nothing but noise where pilots should be: {noise_alone}")
        if self.fit.whole:
            return
        fit = self.fit.quality(measured["level"], measured["inside"])
        sure = self.fit.certain(measured["level"], self._antennas)
        if (sure & (fit < 0.5)).any():
            raise ValueError(f"the pilots do not fit (fit {fit[sure].min():.2f}, 1 is right): give the users' with --pilot-file")

    def _warn(self):
        """Log what is wrong; the words of the complaint where there is noise alone."""
        noise_alone = ""
        for kind, words in self._complaints():
            noise_alone = words if kind == "noise alone" else noise_alone
            if time.monotonic() >= self._next.get(kind, 0.0):
                self._next[kind] = time.monotonic() + _EVERY_S
                _log.warning("%s: %s", self.name or type(self).__name__, words)
        return noise_alone

    def _complaints(self):
        level, noise = float(self._mean["level"]), self.noise_power
        level_dbm, noise_dbm = _db(level), _db(noise)
        if level < 0.5 * noise:
            yield (
                "level",
                (
                    f"samples of {level_dbm:.1f} dBm lie below the noise power of {noise_dbm:.1f} dBm: "
                    f"set --noise-dbm to what your receiver shows without pilots, or scale the samples by {noise_dbm - level_dbm:.0f} dB"
                ),
            )
            return
        if level < noise * (1 + 2 / np.sqrt(self._samples())):
            if self._samples() >= _SURE_SAMPLES:
                yield (
                    "noise alone",
                    (
                        f"samples of {level_dbm:.1f} dBm hold no more than the noise of {noise_dbm:.1f} dBm (--noise-dbm): "
                        "are the users sending, with enough power?"
                    ),
                )
            return
        gain_db = _db(self._mean["gain"].mean())
        if self.channels_db is not None and not self.channels_db[0] <= gain_db <= self.channels_db[2]:
            weakest, mean, strongest = self.channels_db
            yield (
                "level",
                (
                    f"channels of {gain_db:.0f} dB, the calibration knows {weakest:.0f} ... {strongest:.0f} dB: "
                    f"set --uplink-power-dbm to {self.uplink_dbm + gain_db - mean:.0f}, or scale the samples by {mean - gain_db:.0f} dB"
                ),
            )
        yield from self._about_fit(level, noise_dbm)
        yield from self._about_preamble(level)
        yield from self._about_users()

    def _about_fit(self, level, noise_dbm):
        if self.fit.whole or not self.fit.certain(level, self._samples() // self.fit.pilots.shape[1]):
            return
        share = float(self._mean["inside"]) / level
        if self._fit() < 0.5:
            yield (
                "fit",
                (
                    f"the pilots do not fit: {share:.0%} of the energy lies in their span, noise alone has {self.fit.share_of_noise:.0%}: "
                    f"give the pilots that the users send (--pilot-file), check K and --sync, or set --noise-dbm above {noise_dbm:.0f}"
                ),
            )
            return
        beside_dbm = _db(self.fit.noise_beside(level, self._mean["inside"]))
        if abs(beside_dbm - noise_dbm) > 3:
            yield "noise", f"the noise beside the pilots is {beside_dbm:.1f} dBm: set --noise-dbm to it in place of {noise_dbm:.1f}"

    def _about_preamble(self, level):
        if "preamble_db" not in self._mean:
            return
        snr_db, by_preamble = _db(level / self.noise_power - 1), float(self._mean["preamble_db"])
        all_or_one = 10 * np.log10(len(self.fit.pilots))
        if min(snr_db, by_preamble) < _SATURATED_DB and not by_preamble - 6 < snr_db < by_preamble + all_or_one + 6:
            likely = _db(level / (1 + 10 ** (by_preamble / 10)))
            yield (
                "noise",
                (
                    f"the preamble has an SNR of {by_preamble:.0f} dB, the pilots by --noise-dbm one of {snr_db:.0f} dB: "
                    f"set --noise-dbm to about {likely:.0f}, and send pilots with the power of the preamble"
                ),
            )

    def _about_users(self):
        snr = self._mean["gain"] / self.fit.estimate_noise
        floor = max(0.01, 4 / np.sqrt(min(self._blocks, _WINDOW_BLOCKS) * self._antennas))
        unheard = [str(k + 1) for k in np.flatnonzero((snr < floor) & (snr.max() > 10 * floor))]
        if self._blocks < _SURE_BLOCKS:
            return
        if unheard:
            yield "users", f"user {', '.join(unheard)} of {len(snr)} is not heard: check --users, the order of the pilots, and powers"
        elif len(snr) >= _ALIKE_USERS and float(self._mean["spread_db"]) < self.spread_db:
            yield (
                "users",
                (
                    f"all {len(snr)} users are heard alike, their levels differ by {float(self._mean['spread_db']):.1f} dB: "
                    "other pilots than the users' mix their channels so; give theirs with --pilot-file"
                ),
            )


def _db(ratio):
    return float(10 * np.log10(max(float(ratio), 1e-30)))  # of mW: dBm
