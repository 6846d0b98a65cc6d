"""How many bursts BurstSync finds in a noisy stream with carrier offset and random gaps, and what that costs in rate.

python benchmarks/burst_sync.py --bursts 10000
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import typer

from blocks import Block, BurstSync, Flowgraph, LSEstimator, NeuralCalibration, Signal, StructuredPrecoder, ZFPrecoder, run_block
from blocks.radio.stream_tags import stream_tags
from blocks.runtime.frame import Frame
from sim.noise import complex_normal
from sim.preamble import shift_carrier, zadoff_chu
from sim.rate import sum_rate
from sim.world.scenario import Scenario

BURST_NOISE, GAP_NOISE = 16, 17
LONGEST_GAP = 200


class Air(Block):
    """A source of what the antennas hear: every coherence block a burst, after a gap of noise of random length."""

    outputs = {"samples": Signal("M")}

    def __init__(self, scenario: Scenario, sent: np.ndarray, offset: float):
        self.scenario, self.sent, self.offset = scenario, sent, offset

    def dims(self):
        return {"M": self.scenario.antennas}

    def frames(self, blocks, batch):
        at, noise, seed = 0, self.scenario.noise_power, self.scenario.seed
        for number in range(blocks):
            index = range(number, number + 1)
            gap = np.random.default_rng((seed, number)).integers(0, LONGEST_GAP)
            quiet = complex_normal(seed, GAP_NOISE, index, (gap, self.scenario.antennas), noise)[0]
            heard = np.concatenate((quiet, bursts(self.scenario, self.sent, index)[0].T))
            turn = np.complex64(np.exp(2j * np.pi * (self.offset * at % 1)))
            yield Frame(at, {"samples": turn * shift_carrier(heard, self.offset)}, {"burst_at": at + int(gap)})
            at += len(heard)


class Found(Block):
    """Keeps where bursts were found, and their pilots."""

    inputs = {"y": Signal("M", "L")}

    def start(self):
        self._y, self._quality = [], []

    def work(self, index, tags, y):
        self._y.append(y.copy())
        self._quality += [tag.value for tag in stream_tags(tags, index) if tag.key == "burst"]

    def result(self):
        return {"y": np.concatenate(self._y), "quality": self._quality}


def bursts(s: Scenario, sent: np.ndarray, index: range) -> np.ndarray:
    """(len(index), M, P + L): what arrives of `sent` (K, P + L), with noise."""
    return s.uplink(index) @ sent + complex_normal(s.seed, BURST_NOISE, index, (s.antennas, sent.shape[1]), s.noise_power)


def at_snr(s: Scenario, sent: np.ndarray, snr_db: float) -> Scenario:
    """The scenario with the noise at which the mean power of a sample, over antennas and coherence blocks, is `snr_db` above it."""
    power = float(np.mean(np.abs(s.uplink(range(500)) @ sent) ** 2))
    return replace(s, noise_dbm=10 * np.log10(power) - snr_db)


def measure(count: int, snr_db: float = 20.0, offset: float = 1e-3, antennas: int = 64, users: int = 8, seed: int = 0) -> dict:
    """Counts of found, missed and false bursts, and the rates of the found and of the perfectly aligned link, by precoder."""
    s = Scenario(antennas, users, seed=seed)
    preamble = zadoff_chu(61, 25)
    sent = np.concatenate((np.tile(np.sqrt(s.uplink_power / users) * preamble, (users, 1)), s.pilot_matrix()), 1).astype(np.complex64)
    s = at_snr(s, sent, snr_db)
    fg = Flowgraph()
    fg.connect(Air(s, sent, offset), BurstSync(antennas, users, preamble), Found())
    found = fg.run(blocks=count)["Found"]

    gaps = [np.random.default_rng((seed, number)).integers(0, LONGEST_GAP) for number in range(count)]
    truth = np.cumsum(np.asarray(gaps) + sent.shape[1]) - sent.shape[1]
    number_at = {int(at): number for number, at in enumerate(truth)}
    numbers = np.array([number_at.get(quality["sample"], -1) for quality in found["quality"]])
    y = np.zeros((count, antennas, users), np.complex64)
    y[numbers[numbers >= 0]] = found["y"][numbers >= 0]
    errors = [quality["carrier_offset"] - offset for quality in found["quality"]]
    return {
        "bursts": count,
        "found": int((numbers >= 0).sum()),
        "false": int((numbers < 0).sum()),
        "report": fg.metrics()["BurstSync"]["report"],
        "offset_error_rms": float(np.sqrt(np.mean(np.square(errors)))),
        "snr_db": float(np.median([quality["snr_db"] for quality in found["quality"]])),
        "samples_per_s": float((truth[-1] + sent.shape[1]) / fg.elapsed_s),
        "rates": {name: rates(s, y, sent, precode) for name, precode in precoders(s).items()},
    }


def precoders(s: Scenario):
    """By name: the blocks that turn received pilots into a precoder."""
    ls = LSEstimator(s.pilot_matrix())
    noise = s.noise_power * float((abs(ls.matrix) ** 2).sum()) / s.users
    return {
        "LS + ZF": [ls, ZFPrecoder(s.downlink_power)],
        "LS + calibration": [
            ls,
            NeuralCalibration("calibrated", noise, s.downlink_power, s.noise_power, s.antennas),
            StructuredPrecoder(s.downlink_power, s.noise_power),
        ],
    }


def rates(s: Scenario, y: np.ndarray, sent: np.ndarray, precode: list[Block]) -> dict[str, float]:
    """Mean sum rates from the pilots found (a burst not found has rate zero), and from the same pilots cut and tuned perfectly."""
    totals = {"found": 0.0, "aligned": 0.0}
    for start in range(0, len(y), 256):
        index = range(start, min(start + 256, len(y)))
        aligned = np.ascontiguousarray(bursts(s, sent, index)[:, :, -s.users :])
        for name, pilots in (("found", y[index.start : index.stop]), ("aligned", aligned)):
            heard = pilots.any(axis=(1, 2))
            arrays: dict = {"y": pilots[heard]}
            for block in precode if heard.any() else []:
                arrays = run_block(block, **arrays)
            if heard.any():
                totals[name] += float(sum_rate(s.downlink(index)[heard] @ arrays["v"], s.noise_power).sum())
    return {name: total / len(y) for name, total in totals.items()}


def main(bursts: int = 10_000, snr_db: float = 20.0, offset: float = 1e-3, antennas: int = 64, users: int = 8):
    """Print one table."""
    began = time.monotonic()
    m = measure(bursts, snr_db, offset, antennas, users)
    print(
        f"{m['bursts']:,} bursts of 61 + {users} samples, gaps of 0 to {LONGEST_GAP} samples, M={antennas}, mean SNR {snr_db:g} dB, "
        f"carrier offset {offset:.2%} of the sample rate"
    )
    print(f"  found {m['found']:,} ({m['found'] / m['bursts']:.2%}), false {m['false']}; {m['report']}")
    print(
        f"  root mean square error of the carrier offset {m['offset_error_rms']:.1e} cycles per sample; median SNR estimate "
        f"{m['snr_db']:.1f} dB"
    )
    for name, r in m["rates"].items():
        print(f"  {name:18s} {r['found']:6.2f} bit/s/Hz, perfectly aligned {r['aligned']:6.2f}: {r['found'] / r['aligned']:.2%}")
    print(
        f"  {m['samples_per_s']:,.0f} samples of {antennas} antennas a second through the flowgraph, source included; "
        f"{time.monotonic() - began:.0f} s in all"
    )


if __name__ == "__main__":
    typer.run(main)
