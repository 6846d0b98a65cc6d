"""Weights on disk: NAME.safetensors with a NAME.json card beside it that says what they are and how they were made."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import platformdirs
from safetensors import SafetensorError
from safetensors.torch import load, save

from trained.networks.calibrated import Calibration
from trained.networks.calibrated_perfect import PerfectCalibration
from trained.networks.channel_mapping import ChannelMapping
from trained.networks.data_driven import DataDrivenPerfect, DataDrivenPilots
from trained.networks.network import CalibrationNetwork
from trained.networks.papers import PaperConference, PaperJournal, PaperPerfect
from trained.networks.unfolding import Unfolding

SHIPPED = Path(__file__).parent / "weights"
COMPARED = Path(__file__).parent / "compared"
_ARCHITECTURES: dict[str, type[CalibrationNetwork]] = {
    kind.__name__: kind
    for kind in (
        Calibration,
        PerfectCalibration,
        PaperConference,
        PaperJournal,
        PaperPerfect,
        ChannelMapping,
        DataDrivenPilots,
        DataDrivenPerfect,
        Unfolding,
    )
}
_HALVED_FROM = 4096


def user_folder() -> Path:
    """Where weights that were trained here go: $CALIBEAM_WEIGHTS, else calibeam/weights below the user's data folder."""
    named = os.environ.get("CALIBEAM_WEIGHTS")
    return Path(named) if named else platformdirs.user_data_path("calibeam", appauthor=False) / "weights"


def folders() -> tuple[Path, ...]:
    """Where weights are looked for by name, in this order: one's own, those that are shipped, those of the compared methods."""
    return user_folder(), SHIPPED, COMPARED


def known() -> list[str]:
    """Names of all weights that can be found by name."""
    return sorted({file.stem for folder in folders() for file in folder.glob("*.safetensors")})


def find_weights(name_or_path: str, antennas: int | None = None) -> Path:
    """The .safetensors file of a path or of a shipped name, with or without its -mM (`antennas`).

    Raises FileNotFoundError that lists the shipped names.
    """
    folder_names = [f"{name_or_path}.safetensors", f"{name_or_path}-m{antennas}.safetensors"]
    candidates = [folder / name for folder in folders() for name in folder_names]
    candidates += [Path(name_or_path), Path(f"{name_or_path}.safetensors")]
    for candidate in candidates:
        if candidate.is_file() and candidate.suffix == ".safetensors":
            return candidate
    for card in ((folder / name).with_suffix(".json") for folder in folders() for name in folder_names):
        if card.is_file():
            raise FileNotFoundError(
                f"the weights {card.stem} are too large to come along, only their card does; train them with: "
                f"python -m trained.training.train --config {os.path.relpath(card)}"
            )
    wanted = f"{name_or_path!r}" + (f" for antennas={antennas}" if antennas else "")
    remedy = f"; train some with: python -m trained.training.train --antennas {antennas}" if antennas else ""
    family = name_or_path.split("-m")[0]
    alike = [name for name in known() if name.split("-m")[0] == family] or [name for name in known() if name.startswith("calibrated")]
    raise FileNotFoundError(
        f"there are no calibration weights {wanted}: give a .safetensors file or one of {', '.join(alike)} ({len(known())} in all){remedy}"
    )


def find_card(name_or_path: str) -> Path:
    """The .json card of a shipped name, of weights, or of a path to it; the weights may be missing. Raises FileNotFoundError."""
    for candidate in (*(folder / f"{name_or_path}.json" for folder in folders()), Path(name_or_path).with_suffix(".json")):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"there is no card {name_or_path!r}: give a .json file or the name of some weights")


def load_card(file: Path) -> dict:
    """A card, or that beside a weights file. Raises ValueError where it is missing or damaged."""
    card_file = file.with_suffix(".json")
    try:
        card = json.loads(card_file.read_text())
        if card["architecture"]["name"] not in _ARCHITECTURES:
            raise ValueError(
                f"{card_file} names the unknown architecture {card['architecture']['name']!r}; known are {', '.join(_ARCHITECTURES)}"
            )
        if not isinstance(card["antennas"], int | None) or not isinstance(card["sha256"], str):
            raise TypeError(f"antennas={card['antennas']!r}, sha256={card['sha256']!r}")
        return card
    except FileNotFoundError:
        raise ValueError(f"{file} has no card: {card_file.name} has to lie beside it") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{card_file} is not a card of calibration weights ({error!r})") from None


def check_antennas(card: dict, file: Path, antennas: int | None) -> int | None:
    """The number of antennas that weights are for (None: any). Raises ValueError where that is not `antennas` (None takes any)."""
    made_for = card["antennas"]
    if None not in (antennas, made_for) and made_for != antennas:
        raise ValueError(
            f"the weights {file.stem} are for antennas={made_for}, the link has antennas={antennas}; "
            f"train some with: python -m trained.training.train --antennas {antennas}"
        )
    return made_for


def load_network(name_or_path: str, antennas: int | None = None):
    """(network, card) of shipped or own weights. Raises ValueError where they are for another number of antennas."""
    file = find_weights(name_or_path, antennas)
    card = load_card(file)
    check_antennas(card, file, antennas)
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != card["sha256"]:
        raise ValueError(f"{file} is damaged or is not what its card was written for (SHA-256 differs): fetch or train it again")
    try:
        network = architecture_of(card)(**card["architecture"]["arguments"])
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError, TypeError, KeyError) as error:
        raise ValueError(f"{file} does not hold the weights that its card describes: {str(error).splitlines()[0]}") from None
    return network.eval(), card


def architecture_of(card: dict) -> type[CalibrationNetwork]:
    """The class of a card's network."""
    return _ARCHITECTURES[card["architecture"]["name"]]


def save_network(network: CalibrationNetwork, card: dict, file: Path) -> None:
    """Write weights, large tensors in half precision, and the card with their SHA-256.

    Either both are new or both are old after an interruption between the two renames at worst.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    content = save(
        {
            name: (value.half() if value.numel() >= _HALVED_FROM else value).cpu().contiguous()
            for name, value in network.state_dict().items()
        }
    )
    draft, card_draft = file.with_suffix(".safetensors.part"), file.with_suffix(".json.part")
    draft.write_bytes(content)
    card_draft.write_text(json.dumps({**card, "sha256": hashlib.sha256(content).hexdigest()}, indent=2) + "\n")
    draft.replace(file)
    card_draft.replace(file.with_suffix(".json"))
