"""Time to a precoder for one frame: python benchmarks/inference.py [--device cuda]. All rows are measured in this run, best of several."""
import sys
import time

import numpy as np
import torch

from sim.precoding import zero_forcing
from sim.scenario import Scenario
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from trained.evaluate import estimate_noise
from trained.weights import load_network, shipped


def best(function, seconds=0.5):
    function()
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def calibrated(network, s, h, device):
    """The network and the structured precoder, from array to array."""
    with torch.inference_mode():
        outputs = network(torch.from_numpy(h).to(device), estimate_noise(s), s.downlink_power, s.noise_power)
    h, p, q = (x.cpu().numpy() for x in outputs)
    return structured_precoder(h, p, q, s.noise_power)


def main():
    device = sys.argv[sys.argv.index("--device") + 1] if "--device" in sys.argv else "cpu"
    for antennas in (16, 32, 64, 128):
        s = Scenario(antennas=antennas)
        h = np.ascontiguousarray(s.downlink(range(64)).conj().swapaxes(1, 2))
        methods = {"zero forcing": lambda h, s=s: zero_forcing(h, s.downlink_power),
                   "WMMSE, 10 iterations": lambda h, s=s: wmmse(h, s.downlink_power, s.noise_power, 10),
                   "WMMSE, 100 iterations": lambda h, s=s: wmmse(h, s.downlink_power, s.noise_power, 100)}
        for name in shipped():
            network, card = load_network(name)
            if card["antennas"] in (antennas, None):
                network = network.to(device)
                methods[f"{name} ({device})"] = lambda h, network=network, s=s: calibrated(network, s, h, device)
        print(f"M={antennas}, K={s.users}: microseconds per coherence block at batch 1 and batch 64, on {torch.get_num_threads()} threads")
        for name, method in methods.items():
            alone, many = best(lambda method=method, h=h: method(h[:1])), best(lambda method=method, h=h: method(h)) / 64
            print(f"  {name:<28}{1e6 * alone:10.0f}{1e6 * many:10.0f}")


if __name__ == "__main__":
    main()
