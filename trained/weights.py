"""Weights on disk: NAME.safetensors with a NAME.json card beside it that says what they are and how they were made."""
from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from trained.calibration import Calibration

FOLDER = Path(__file__).parent / "weights"
DEFAULT = "calibrated-m64"
_ARCHITECTURES = {"Calibration": Calibration}


def shipped() -> list[str]:
    """Names of the weights that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def find_weights(name_or_path: str) -> Path:
    """The .safetensors file of a shipped name or of a path. Raises FileNotFoundError that lists the shipped names."""
    for candidate in (FOLDER / f"{name_or_path}.safetensors", Path(name_or_path), Path(f"{name_or_path}.safetensors")):
        if candidate.is_file() and candidate.suffix == ".safetensors":
            return candidate
    raise FileNotFoundError(f"there are no calibration weights {name_or_path!r}: give a .safetensors file or one of {', '.join(shipped())}")


def load_card(file: Path) -> dict:
    """The card beside a weights file. Raises ValueError where it is missing or damaged."""
    card_file = file.with_suffix(".json")
    try:
        card = json.loads(card_file.read_text())
        if card["architecture"]["name"] not in _ARCHITECTURES:
            raise ValueError(f"{card_file} names the unknown architecture {card['architecture']['name']!r}; "
                             f"known are {', '.join(_ARCHITECTURES)}")
        return card
    except FileNotFoundError:
        raise ValueError(f"{file} has no card: {card_file.name} has to lie beside it") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{card_file} is not a card of calibration weights ({error!r})") from None


def load_network(name_or_path: str, antennas: int | None = None):
    """(network, card) of shipped or own weights. Raises ValueError where they are for another number of antennas."""
    file = find_weights(name_or_path)
    card = load_card(file)
    made_for = card["scenario"]["antennas"]
    if antennas is not None and made_for != antennas:
        raise ValueError(f"the weights {file.stem} are for antennas={made_for}, the link has antennas={antennas}; "
                         f"train some with: python -m trained.train --antennas {antennas}")
    network = _ARCHITECTURES[card["architecture"]["name"]](**card["architecture"]["arguments"])
    try:
        network.load_state_dict(load_file(file))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{file} does not hold the weights that its card describes: {str(error).splitlines()[0]}") from None
    return network.eval(), card


def save_network(network, card: dict, file: Path) -> None:
    """Write weights and card; either both are new or both are old after an interruption between the two renames at worst."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft, card_draft = file.with_suffix(".safetensors.part"), file.with_suffix(".json.part")
    save_file({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}, draft)
    card_draft.write_text(json.dumps(card, indent=2) + "\n")
    draft.replace(file)
    card_draft.replace(file.with_suffix(".json"))
