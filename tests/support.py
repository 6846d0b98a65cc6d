"""Small weights that several tests use."""

from dataclasses import asdict

import torch

from sim.world.rayleigh import RayleighScenario
from sim.world.scenario import Scenario
from tests.streams import ArraySource, Collect, FrameSource, complex_normal
from trained.networks.papers import PaperConference, PaperJournal, PaperPerfect
from trained.store import save_network

__all__ = ["PAPERS", "ArraySource", "Collect", "FrameSource", "complex_normal", "paper_weights", "precoder_weights"]
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
