"""What blocks that run a trained network have in common."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass

import numpy as np

from blocks.runtime import Block


class LearnedBlock(Block, abstract=True):
    """A block with a network from trained/: its card is known at once, its weights are loaded where it runs.

    weights: a shipped name or a .safetensors file with its card; antennas: checked against the card; device: "cpu" or "cuda".
    Raises FileNotFoundError for unknown weights; ValueError for weights made for another number of antennas or a device that
    is not there.
    """

    takes_tensors = True

    def __init__(self, weights: str, antennas: int | None = None, device: str = "cpu"):
        from trained.device import usable_device
        from trained.store import architecture_of, check_antennas, find_weights, load_card

        self.weights = find_weights(weights, antennas)
        self.card = load_card(self.weights)
        self.antennas = check_antennas(self.card, self.weights, antennas)
        self.architecture = architecture_of(self.card)
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
        users = {"K": self.card["architecture"]["arguments"]["users"]} if self.architecture.one_size else {}
        return users if self.antennas is None else {"M": self.antennas, **users}

    def trained_in(self, world) -> bool:
        """True where the weights were made in this world (a Room, or DeepMIMO folders)."""
        made = self.card["scenario"]
        beside = {name: made[name] for name in ("carriers_hz", "paths") if name in made}  # cards from before they were part of the world
        return is_dataclass(world) and {**beside, **made.get("world", {})} == json.loads(json.dumps(asdict(world), default=str))

    def start(self):
        from trained.store import load_network

        self.network = load_network(str(self.weights))[0].to(self.device)

    def stop(self):
        self.__dict__.pop("network", None)
