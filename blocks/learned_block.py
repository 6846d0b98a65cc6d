"""What blocks that run a trained network have in common."""

from __future__ import annotations

import numpy as np

from blocks.runtime import Block
from sim.world.named import described, name_of


class LearnedBlock(Block, abstract=True):
    """A block with a network from trained/: its card is known at once, its weights are loaded where it runs.

    weights: a name or a .safetensors file with its card; antennas, users: M, checked against the card, and K, where the name is one of
    several for different K; device: "cpu" or "cuda". Raises FileNotFoundError for unknown weights; ValueError for weights made for
    another number of antennas or a device that is not there.
    """

    takes_tensors = True
    user_antennas = 1

    def __init__(self, weights: str, antennas: int | None = None, device: str = "cpu", users: int | None = None):
        from trained.device import usable_device
        from trained.store import find_weights, load_card

        self.weights = find_weights(weights, antennas, users, self.user_antennas)
        self.card = load_card(self.weights, antennas)
        self.antennas = self.card.antennas
        self.kind = self.card.kind()  # travels to other processes with the block, so that they know a network out of a user's file
        self.device = str(usable_device(device))

    def pilots(self, users: int, power: float) -> np.ndarray:
        """The pilot matrix (K, K) complex64 that the network was trained with, `power` mW per symbol.

        Raises ValueError for a number of users that it was not trained for.
        """
        import torch

        from trained.store import load_network

        with torch.inference_mode():
            pilots = load_network(str(self.weights))[0].unit_pilots(users).numpy()
        return (pilots * np.sqrt(power)).astype(np.complex64)

    def dims(self):
        users = {"K": self.card.size["max_users"]} if self.kind.fixed_users else {}
        return users if self.antennas is None else {"M": self.antennas, **users}

    def trained_in(self, world) -> bool:
        """True where the weights were made in this world."""
        return self.card.world == name_of(world) and self.card.scenario["world"] == described(world)

    def start(self):
        from trained.store import load_network

        self.network = load_network(str(self.weights))[0].to(self.device)

    def stop(self):
        self.__dict__.pop("network", None)
