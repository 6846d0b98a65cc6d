"""One file per network; a new one needs nothing but its file here, or in a package or a file of a user's own."""

from trained.networks.base import Gives, Hears, Network, Size
from trained.networks.registry import NETWORKS, find_network, load_networks, network

load_networks()

__all__ = ["NETWORKS", "Gives", "Hears", "Network", "Size", "find_network", "network"]
