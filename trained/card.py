"""What lies beside every set of weights: what they are, how they were made, and what they reach."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.world.world import World
    from trained.networks import Network

FORMAT = 2
_SIZE = ("antennas", "min_users", "max_users", "user_antennas", "streams")


@dataclass(frozen=True)
class Card:
    """The card of a set of weights, NAME.json beside NAME.safetensors.

    network          name of the network
    size             fields of its Size: antennas, min_users, max_users, user_antennas, streams
    config           fields of its Config
    hears, gives     as the network says, for readers of the file
    world            name of the world that it was made in, see sim/world/named.py
    scenario         the scenario that it is tested in, with the fields of the world
    training         settings of the trainer, and what came of them (steps_done, minutes_done, device, ...)
    split            which positions it was trained and tested on
    curve            rate against training time, with what it is a share of
    results          the table on test positions: blocks and rows
    versions         of the packages that made it
    sha256           of the .safetensors file
    learning_rates   what each learning rate that was tried gave, where several were
    published        what is in print of it, where something is
    """

    network: str
    size: dict[str, int]
    config: dict[str, Any]
    hears: str
    gives: str
    world: str
    scenario: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    curve: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=lambda: {"blocks": 0, "rows": []})
    versions: dict[str, str] = field(default_factory=dict)
    sha256: str = ""
    learning_rates: dict[str, Any] | None = None
    published: dict[str, Any] | None = None

    @classmethod
    def read(cls, file: Path) -> Card:
        """The card at `file`, or beside the weights `file`. Raises ValueError where it is missing or damaged."""
        file = file.with_suffix(".json")
        try:
            content = json.loads(file.read_text())
        except FileNotFoundError:
            raise ValueError(f"{file.with_suffix('.safetensors')} has no card: {file.name} has to lie beside it") from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{file} is not a card of weights ({type(error).__name__}: {error})") from None
        if not isinstance(content, dict):
            raise ValueError(f"{file} is not a card of weights: it holds a {type(content).__name__}, expected a map")
        if content.pop("format", 1) != FORMAT:
            raise ValueError(f"{file} is not a card of this version of calibeam (format {FORMAT}): train the weights again")
        content = {name: value for name, value in content.items() if value is not None}
        if wrong := _misfits(content):
            raise ValueError(f"{file} is not a card of weights: {', '.join(wrong)} missing or of another kind")
        return cls(**content)

    def kind(self) -> type[Network]:
        """The class of the network. Raises ValueError where there is none of that name."""
        from trained.networks import find_network

        return find_network(self.network)

    def build(self) -> Network:
        """The network, with weights that are yet to be loaded."""
        from trained.networks import Size

        made = self.kind()
        return made(Size(**self.size), made.Config(**self.config_fields()))

    def config_fields(self) -> dict[str, Any]:
        """The fields of the network's Config, lists as tuples."""
        return {name: tuple(value) if isinstance(value, list) else value for name, value in self.config.items()}

    def made_in(self) -> World:
        """The world that the weights were made in. Raises ValueError for one of a user's own, whose class a card does not tell."""
        from sim.world.named import world_of

        return world_of(self.world, self.scenario["world"])

    @property
    def antennas(self) -> int | None:
        """M that the weights are for; None for any."""
        return None if self.kind().any_antennas else self.size["antennas"]

    @property
    def users(self) -> range:
        """The numbers of users that the network was trained for."""
        return range(self.size["min_users"], self.size["max_users"] + 1)

    def write(self, file: Path) -> None:
        """Write the card to `file`, whole or not at all."""
        content = {"format": FORMAT, **{name: value for name, value in asdict(self).items() if value is not None}}
        draft = file.with_suffix(".json.part")
        draft.write_text(json.dumps(content, indent=2) + "\n")
        draft.replace(file)


def _misfits(content: dict[str, Any]) -> list[str]:
    """Names of what is missing in the content of a card, or is of another kind."""
    kinds = {f.name: str if f.type == "str" else dict for f in fields(Card)}
    wrong = {name for name, value in content.items() if name not in kinds or not isinstance(value, kinds[name])}
    wrong |= {"network", "size", "config", "hears", "gives", "world", "scenario", "sha256"} - content.keys()
    parts: dict[str, dict[str, type]] = {"size": dict.fromkeys(_SIZE, int), "scenario": {"world": dict}, "results": {"rows": list}}
    for name in parts.keys() & content.keys() - wrong:
        wrong |= {f"{name}.{part}" for part, kind in parts[name].items() if type(content[name].get(part)) is not kind}
        if name == "size":
            wrong |= {f"size.{part}" for part in content["size"].keys() - set(_SIZE)}
    return sorted(wrong)
