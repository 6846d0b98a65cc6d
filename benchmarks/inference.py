"""Time and multiply-adds to a precoder: python benchmarks/inference.py [--device cuda]. All rows are of this run, times best of several."""

import sys
import time

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sim.precoding import zero_forcing
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from sim.world.scenario import Scenario
from trained.device import on_device
from trained.networks import Gives, Size
from trained.networks.paper_journal_perfect import PaperJournalPerfect
from trained.store import known, load_network


class MultiplyAdds(TorchDispatchMode):
    """Counts the real multiply-adds of matrix products and convolutions; a complex one is four."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in ("mm", "bmm", "addmm", "baddbmm"):
            a, b = args[-2:]
            self.count += a.numel() * b.shape[-1] * (4 if a.is_complex() else 1)
        made = func(*args, **(kwargs or {}))
        if name == "convolution":
            self.count += made.numel() * args[1][0].numel()
        return made


def best(function, seconds):
    function()
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def estimate_noise(s):
    """Noise power per entry of a least-squares estimate, mW."""
    return s.noise_power / (s.uplink_power * s.pilot_symbols)


def learned(network, s, h, device):
    """The network and its precoder, from array to array."""
    with torch.inference_mode():
        h, *powers = (x.cpu().numpy() for x in network(on_device(h, device), estimate_noise(s), s.downlink_power, s.noise_power))
    if network.gives is Gives.PRECODER:
        return h
    return structured_precoder(h, powers[0], powers[1], s.noise_power) if powers else zero_forcing(h, s.downlink_power)


def suits(network, card, s):
    """Whether a network is for the single-antenna users of this link."""
    return card.size["user_antennas"] == 1 and card.antennas in (s.antennas, None) and network.serves(s.users)


def multiply_adds(network, s, h):
    """Millions of them for one coherence block."""
    with torch.no_grad(), MultiplyAdds() as counter:
        network(torch.from_numpy(h[:1]), estimate_noise(s), s.downlink_power, s.noise_power)
    return counter.count / 1e6


def main(device="cpu", sizes=(16, 32, 64, 128), seconds=0.5):
    for antennas in sizes:
        s = Scenario(antennas=antennas)
        h = np.ascontiguousarray(s.downlink(range(64)).conj().swapaxes(1, 2))
        networks = {"MLP + ZF of the papers": PaperJournalPerfect(Size(antennas, 1, s.users)).eval()}
        networks |= {name: network for name in known() for network, card in [load_network(name)] if suits(network, card, s)}
        cost = {name: multiply_adds(network, s, h) for name, network in networks.items()}
        papers = cost["MLP + ZF of the papers"]
        methods = {
            "zero forcing": lambda h, s=s: zero_forcing(h, s.downlink_power),
            "WMMSE, 10 iterations": lambda h, s=s: wmmse(h, s.downlink_power, s.noise_power, 10),
            "WMMSE, 100 iterations": lambda h, s=s: wmmse(h, s.downlink_power, s.noise_power, 100),
        }
        for name, network in networks.items():
            network.to(device)
            methods[name] = lambda h, network=network, s=s: learned(network, s, h, device)
        print(
            f"M={antennas}, K={s.users}, {device}, {torch.get_num_threads()} threads: microseconds per coherence block at batch 1 and at "
            "batch 64; multiply-adds of a network"
        )
        for name, method in methods.items():
            alone, many = best(lambda method=method, h=h: method(h[:1]), seconds), best(lambda method=method, h=h: method(h), seconds) / 64
            count = f"{cost[name]:12.2f} million, {cost[name] / papers:.2f} of the papers' MLP" if name in cost else ""
            print(f"  {name:<26}{1e6 * alone:10.0f}{1e6 * many:10.0f}{count}")


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--device") + 1 :][:1] if "--device" in sys.argv else ())
