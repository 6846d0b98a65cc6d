"""Kernels of sim/ beside NumPy, a C kernel compiled now and Sionna, where they are installed: python benchmarks/kernels.py"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sim.noise import complex_normal
from sim.precoding import regularized_zero_forcing, zero_forcing
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from sim.wmmse_mimo import wmmse_mimo
from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.tracer import trace

C_FLAGS = ("-O3", "-march=native")
C_LANES = 4
ITERATIONS = 100


def best(methods, seconds):
    """Least seconds of each method's calls, which take turns, so that all of them see the same machine."""
    least = {name: float("inf") for name in methods}
    for method in methods.values():
        method()
    for _ in range(5):
        for name, method in methods.items():
            end = time.perf_counter() + seconds / 5
            while True:
                began = time.perf_counter()
                method()
                ended = time.perf_counter()
                least[name] = min(least[name], ended - began)
                if ended > end:
                    break
    return least


def compare(title, blocks, methods, seconds):
    """Print microseconds per block of the first of `methods` and how many times as long the others take."""
    ours, *others = best(methods, seconds).items()
    ratios = "".join(f"   {name} {took / ours[1]:.2f}" for name, took in others)
    print(f"  {title:<34}{1e6 * ours[1] / blocks:9.2f} {ratios}", flush=True)


def c_wmmse(users):
    """WMMSE of benchmarks/wmmse.c as a function of (h, power, noise_power, iterations); None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "wmmse.so"
        source = Path(__file__).with_name("wmmse.c")
        size = (f"-DUSERS={users}", f"-DLANES={C_LANES}")
        subprocess.run([compiler, *C_FLAGS, *size, "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
        kernel = ctypes.CDLL(str(library)).wmmse

    def precoder(h, power, noise_power, iterations):
        v = np.empty_like(h)
        pointers = (ctypes.c_void_p(x.ctypes.data) for x in (h, v))
        kernel(*pointers, len(h), h.shape[1], ctypes.c_double(power), ctypes.c_double(noise_power), iterations)
        return v

    return precoder


def sionna_rzf():
    """Sionna's regularised zero forcing, from tensor to tensor; None where Sionna 2 is not installed."""
    try:
        from sionna.phy.mimo import rzf_precoding_matrix
    except ImportError:
        return None
    return rzf_precoding_matrix


def numpy_channels(s, rows):
    """Both carriers' channels as the sum over paths, without the recursion from antenna to antenna."""
    phasors, n = s.phasors(), np.arange(s.antennas)
    return [(phasors.coefficient[c][rows][..., None] * phasors.step[c][rows][..., None] ** n).sum(2) for c in (0, 1)]


def numpy_zero_forcing(h, power, regularizer=0.0):
    """V = gamma H (H^H H + regularizer I)^-1 in single precision."""
    v = h @ np.linalg.inv(h.conj().swapaxes(1, 2) @ h + np.float32(regularizer) * np.eye(h.shape[2], dtype=np.float32))
    return v * np.sqrt(power / (np.abs(v) ** 2).sum((1, 2), keepdims=True))


def linear_kernels(batch, seconds):
    """Everything but WMMSE, M = 64, K = 8."""
    s, index = Scenario(), range(batch)
    rows, h = s.user_positions(index), np.ascontiguousarray(s.downlink(index).conj().swapaxes(1, 2))
    power, regularizer = s.downlink_power, s.users * s.noise_power / s.downlink_power
    equal = np.full((batch, s.users), power / s.users)
    normal = np.random.default_rng(0)
    regularised = {
        "": lambda: regularized_zero_forcing(h, power, s.noise_power),
        "NumPy": lambda: numpy_zero_forcing(h, power, regularizer),
    }
    sionna, tensor = sionna_rzf(), torch.from_numpy(h).mH.contiguous()
    if sionna is not None:
        regularised["Sionna"] = lambda: sionna(tensor, regularizer)
    compare("channels, both carriers", batch, {"": lambda: s.channels(index), "NumPy": lambda: numpy_channels(s, rows)}, seconds)
    noise = {
        "": lambda: complex_normal(0, 2, index, (64, 8), 1.0),
        "NumPy, one stream": lambda: normal.standard_normal((batch, 1024), np.float32),
    }
    compare("noise, 512 samples", batch, noise, seconds)
    compare("zero forcing", batch, {"": lambda: zero_forcing(h, power), "NumPy": lambda: numpy_zero_forcing(h, power)}, seconds)
    compare("regularised zero forcing", batch, regularised, seconds)
    compare("structured precoder", batch, {"": lambda: structured_precoder(h, equal, equal, s.noise_power)}, seconds)


def wmmse_kernels(users, batch, seconds):
    """WMMSE of one channel and of `batch`, M = 64."""
    s = Scenario(users=users)
    h = np.ascontiguousarray(s.downlink(range(batch)).conj().swapaxes(1, 2))
    arguments = (s.downlink_power, s.noise_power, ITERATIONS)
    methods = {"": lambda: wmmse(h, *arguments)}
    if (compiled := c_wmmse(users)) is not None:
        methods["C"] = lambda: compiled(h, *arguments)
    compare(f"WMMSE, K={users}, batch of {batch}", batch, methods, seconds)
    one, row = h[:1], h[:1].conj().swapaxes(1, 2)[:, :, None]
    compare(f"WMMSE, K={users}, alone", 1, {"": lambda: wmmse(one, *arguments), "NumPy": lambda: wmmse_mimo(row, 1, *arguments)}, seconds)


def main(batch=256, seconds=0.7, sizes=(2, 4, 8, 16)):
    """batch: a multiple of C_LANES."""
    torch.set_num_threads(1)
    print(f"microseconds per coherence block, M=64, batches of {batch}, one thread; others take so many times as long")
    linear_kernels(batch, seconds)
    flags = " ".join(C_FLAGS)
    print(f"{ITERATIONS} iterations of WMMSE; C: cc {flags}, K known to the compiler, {C_LANES} channels side by side")
    for users in sizes:
        wmmse_kernels(users, batch, seconds)


def ray_tracing():
    room = Room()
    began = time.perf_counter()
    trace(room, room.positions()[:1])
    compiled = time.perf_counter() - began
    began = time.perf_counter()
    trace(room, room.positions())
    seconds = time.perf_counter() - began
    print(f"ray tracing of 151,402 users: {seconds:.2f} s on {os.cpu_count()} cores, and {compiled:.1f} s before that for the compiler")


if __name__ == "__main__":
    main()
    ray_tracing()
