"""Time of the CPU kernels: python benchmarks/kernels.py. Each line is measured in this run, best of several, one thread."""

import os
import time

import numpy as np

from sim.noise import complex_normal
from sim.precoding import regularized_zero_forcing, zero_forcing
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.tracer import trace

BATCH = 256


def best(function, repeats=7):
    function()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def main():
    began = time.perf_counter()
    room = Room()
    trace(room, room.positions()[:1])
    compiled = time.perf_counter() - began
    seconds = best(lambda: trace(room, room.positions()), 3)
    print(
        f"ray tracing of 151,402 users: {seconds:.2f} s on {os.cpu_count()} cores, "
        f"and {compiled:.1f} s before that for the compiler or its cache"
    )

    s = Scenario()
    index = range(BATCH)
    h_ul, h_dl = s.channels(index)
    h = np.ascontiguousarray(h_dl.conj().swapaxes(1, 2))
    equal = np.full((BATCH, s.users), s.downlink_power / s.users)
    pilots = s.pilot_matrix()
    normal = np.random.default_rng(0)
    rows = {
        "channels, both carriers": lambda: s.channels(index),
        "noise, 512 samples (Philox, Box-Muller)": lambda: complex_normal(0, 2, index, (64, 8), 1.0),
        "noise, 512 samples (NumPy, one stream)": lambda: normal.standard_normal((BATCH, 1024), np.float32),
        "pilots through the uplink": lambda: h_ul @ pilots,
        "zero forcing": lambda: zero_forcing(h, s.downlink_power),
        "regularised zero forcing": lambda: regularized_zero_forcing(h, s.downlink_power, s.noise_power),
        "structured precoder": lambda: structured_precoder(h, equal, equal, s.noise_power),
        "WMMSE, 100 iterations": lambda: wmmse(h, s.downlink_power, s.noise_power, 100),
    }
    times = {name: best(function) / BATCH for name, function in rows.items()}
    print(f"\nmicroseconds per coherence block, M=64, K=8, L=8, batches of {BATCH}, one core")
    for name, seconds in times.items():
        print(f"  {name:<42}{1e6 * seconds:9.2f}   {seconds / times['zero forcing']:7.2f} x zero forcing")


if __name__ == "__main__":
    main()
