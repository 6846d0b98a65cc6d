"""Small weights that several tests use."""

from dataclasses import asdict
from pathlib import Path

import torch

from sim.world.rayleigh import Rayleigh
from sim.world.scenario import Scenario
from trained.card import Card
from trained.networks import Size
from trained.networks.paper_conference import PaperConference
from trained.networks.paper_journal import PaperJournal
from trained.networks.paper_journal_perfect import PaperJournalPerfect
from trained.store import save_network


def untrained(network, antennas, users, user_antennas=1, streams=None, min_users=None, **config):
    """A network of a class with random weights."""
    torch.manual_seed(4)
    size = Size(antennas, users if min_users is None else min_users, users, user_antennas, streams or user_antennas)
    return network(size, network.Config(**config))


def written(network, file):
    """The file of a network's weights, with a card."""
    kind = type(network)
    words = (kind.name, asdict(network.size), asdict(network.config), str(kind.hears), str(kind.gives))
    save_network(network, Card(*words, "room", asdict(Scenario(antennas=network.size.antennas, users=1))), file)
    return str(file)


def paper_weights(folder, paper, antennas=64):
    """A narrow network of one of the papers with random weights, pilots and statistics, written to a file."""
    kind = {"conference": PaperConference, "journal": PaperJournal, "perfect": PaperJournalPerfect}[paper]
    narrow = {"widths": (32, 32)} | ({"antenna_widths": (8, 8)} if paper == "journal" else {})
    network = untrained(kind, antennas, 4, min_users=4 if paper == "journal" else 2, **narrow)
    network.users.scale.fill_(1e-5)
    for name, value in network.state_dict().items():
        if name.startswith("pilots") or "running_mean" in name:
            value.add_(0.3 * torch.randn(value.shape))
    return Path(written(network, folder / f"{paper}.safetensors"))


def rayleigh(antennas, users, user_antennas=2, snr_db=20.0, streams=None):
    """A link in Rayleigh fading with a noise power of 1 mW."""
    return Scenario(
        antennas=antennas,
        users=users,
        world=Rayleigh(),
        user_antennas=user_antennas,
        streams=streams,
        downlink_power_dbm=snr_db,
        noise_dbm=0.0,
    )


def rayleigh_channels(scenario, blocks, dtype=torch.complex64):
    """(B, K, N, M) channels of a scenario in units in which power and noise are 1."""
    h = torch.from_numpy(scenario.downlink(range(blocks)))
    h = h if h.dim() == 4 else h[:, :, None]
    return h.to(dtype) * (scenario.downlink_power / scenario.noise_power) ** 0.5


def precoder_weights(folder, network, antennas, users, user_antennas=1, **config):
    """Untrained weights of a network that gives precoders, written to a file."""
    made = untrained(network, antennas, users, user_antennas, **config)
    made.start(rayleigh(antennas, users, user_antennas), torch.Generator())
    return written(made, folder / f"{network.name}-{antennas}-{users}-{user_antennas}.safetensors")
