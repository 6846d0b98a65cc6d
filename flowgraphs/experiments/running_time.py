"""Time per channel of the methods for perfect CSI, one channel at a time, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from sim.rate import sum_rate
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from sim.wmmse_mimo import wmmse_classic
from sim.world.scenario import Scenario
from trained.networks import Size
from trained.networks.data_driven_perfect import DataDrivenPerfect
from trained.networks.unfolding import Unfolding
from trained.store import load_network

ITERATIONS = 100
UNFOLDED_LAYERS = 20
PUBLISHED = {
    (16, 2): (32.06, 0.14, 16.97, 0.11),
    (32, 2): (52.99, 0.15, 22.11, 0.14),
    (32, 8): (171.36, 0.46, 152.92, 0.43),
    (32, 12): (291.99, 0.70, 297.89, 0.32),
    (64, 4): (133.20, 0.26, 103.86, 0.28),
    (64, 12): (415.03, 0.71, 381.89, 0.58),
}


def running_times(blocks: int = 5, rounds: int = 3) -> list[dict]:
    """Milliseconds per channel of each method at the sizes of the paper, the best round's mean over `blocks`.

    "speed-up" and "rate ratio" compare R-WMMSE to the classic form with its M x M matrices ("WMMSE"), both with ITERATIONS iterations.

    The networks have the sizes of the trained ones, and untrained weights where none are needed for a time. Source: Ma et al. (journal),
    Table III.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_row(m, k, blocks, rounds) for m, k in PUBLISHED]
    finally:
        torch.set_num_threads(threads)


def _row(antennas, users, blocks, rounds):
    s = Scenario(antennas=antennas, users=users)
    h = np.ascontiguousarray(s.downlink(range(blocks)).conj().swapaxes(1, 2))
    calibrated, _ = load_network("calibrated-perfect")
    size = Size(antennas, users, users)
    unfolded = Unfolding(size, Unfolding.Config(layers=UNFOLDED_LAYERS)).eval()
    unfolded.start_from(torch.from_numpy(h).mH[:, :, None] * (s.downlink_power / s.noise_power) ** 0.5)
    black_box = DataDrivenPerfect(size).eval()

    def through(network) -> Callable:
        @torch.inference_mode()
        def precoder(x):
            v, *powers = network(torch.from_numpy(x), 0.0, s.downlink_power, s.noise_power)
            if network is calibrated:
                return structured_precoder(v.numpy(), powers[0].numpy(), powers[1].numpy(), s.noise_power)
            return v.numpy()

        return precoder

    def classic(x):
        rows = x.conj().swapaxes(1, 2)[:, :, None]
        return wmmse_classic(rows, 1, s.downlink_power, s.noise_power, ITERATIONS)[..., 0].swapaxes(1, 2).astype(np.complex64)

    def reduced(x):
        return wmmse(x, s.downlink_power, s.noise_power, ITERATIONS)

    methods = {
        "WMMSE": classic,
        "calibrated": through(calibrated),
        "unfolding": through(unfolded),
        "data-driven": through(black_box),
        "R-WMMSE": reduced,
    }
    times = {name: _milliseconds(method, h, rounds) for name, method in methods.items()}
    rates = [
        sum_rate(h.conj().swapaxes(1, 2) @ np.concatenate([f(h[n : n + 1]) for n in range(blocks)]), s.noise_power).mean()
        for f in (classic, reduced)
    ]
    row: dict = {
        "M": antennas,
        "K": users,
        **times,
        "speed-up": times["WMMSE"] / times["R-WMMSE"],
        "rate ratio": float(rates[1] / rates[0]),
    }
    return row | {f"published {name}": value for name, value in zip(list(methods)[:4], PUBLISHED[antennas, users], strict=True)}


def _milliseconds(method, h, rounds):
    method(h[:1])
    means = []
    for _ in range(rounds):
        began = time.perf_counter()
        for n in range(len(h)):
            method(h[n : n + 1])
        means.append((time.perf_counter() - began) / len(h) * 1e3)
    return min(means)
