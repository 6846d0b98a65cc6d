"""Sources, sinks, random numbers and small weights that several tests use."""

from dataclasses import asdict

import numpy as np
import torch

from blocks import Block, Signal
from sim.world.rayleigh import RayleighScenario
from sim.world.scenario import Scenario
from trained.networks.papers import PaperConference, PaperJournal, PaperPerfect
from trained.store import save_network

PAPERS = {
    "conference": (PaperConference, {"pilots": [2, 4]}),
    "journal": (PaperJournal, {"pilots": 4, "antenna_widths": [8, 8]}),
    "perfect": (PaperPerfect, {}),
}


def paper_weights(folder, paper, antennas=64):
    """A narrow network of one of the papers with random weights, pilots and statistics, written to a file."""
    torch.manual_seed(4)
    made, more = PAPERS[paper]
    arguments = {"antennas": antennas, "widths": [32, 32], **more}
    network = made(**arguments)
    network.users.scale.fill_(1e-5)
    for name, value in network.state_dict().items():
        if name.startswith("pilots") or "running_mean" in name:
            value.add_(0.3 * torch.randn(value.shape))
    file = folder / f"{paper}.safetensors"
    save_network(
        network,
        {
            "architecture": {"name": made.__name__, "arguments": arguments},
            "csi": network.csi,
            "antennas": antennas,
            "scenario": asdict(Scenario(antennas=antennas)),
        },
        file,
    )
    return file


def precoder_weights(folder, network, **arguments):
    """Untrained weights of a network that gives precoders, written to a file."""
    torch.manual_seed(4)
    made = network(**arguments)
    sizes = (arguments.get(name, 1) for name in ("antennas", "users", "user_antennas", "streams"))
    h = 10 * torch.from_numpy(RayleighScenario(*sizes).channels(range(64)))
    made.start_from(h, h.flatten(1, 2).mT)
    file = folder / f"{network.__name__}-{'-'.join(map(str, arguments.values()))}.safetensors"
    save_network(
        made,
        {
            "architecture": {"name": network.__name__, "arguments": arguments},
            "csi": network.csi,
            "antennas": arguments["antennas"],
            "scenario": {},
        },
        file,
    )
    return str(file)


def complex_normal(rng, *shape):
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(np.complex64)


class ArraySource(Block):
    """Sends given arrays, one port each."""

    def __init__(self, **arrays):
        self.arrays = arrays
        self.outputs = {name: Signal(*a.shape[1:], dtype=a.dtype.str) for name, a in arrays.items()}

    def work(self, index):
        return {name: a[index.start : index.stop] for name, a in self.arrays.items()}


class FrameSource(ArraySource):
    """Sends frames as they are given."""

    def __init__(self, *given):
        super().__init__(**given[0].arrays)
        self.given = given

    def frames(self, blocks, batch):
        yield from self.given


class Collect(Block):
    """Keeps everything that it gets."""

    def __init__(self):
        self.inputs = {}

    def offer(self, ports):
        self.inputs = {**self.inputs, **ports}

    def start(self):
        self.kept, self.starts, self.tags = {}, [], []

    def work(self, index, tags, **arrays):
        self.starts.append(index.start)
        self.tags.append(dict(tags))
        for name, array in arrays.items():
            self.kept.setdefault(name, []).append(array.copy())

    def result(self):
        return {"arrays": {n: np.concatenate(a) for n, a in self.kept.items()}, "starts": self.starts, "tags": self.tags}
