"""Weights on disk: NAME.safetensors with a card NAME.json beside it; where they lie, and how they are found by name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from trained.card import Card

if TYPE_CHECKING:
    from trained.networks import Network

SHIPPED = Path(__file__).parent / "weights"
COMPARED = Path(__file__).parent / "compared"
_HALVED_FROM = 4096


def user_folder() -> Path:
    """Where weights that were trained here go: $CALIBEAM_WEIGHTS, else calibeam/weights below the user's data folder."""
    named = os.environ.get("CALIBEAM_WEIGHTS")
    return Path(named) if named else platformdirs.user_data_path("calibeam", appauthor=False) / "weights"


def folders() -> tuple[Path, ...]:
    """Where weights are looked for by name, in this order: one's own, those that are shipped, those of the compared methods.

    The compared ones lie in a checkout only.
    """
    return user_folder(), SHIPPED, COMPARED


def known() -> dict[str, Path]:
    """Every set of weights that can be found by name, and its file; one's own hide others of the same name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for file in sorted(folder.glob("*.safetensors")):
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def weights_name(network: str, antennas: int | None, users: range | None = None, user_antennas: int = 1) -> str:
    """The name that weights get: NETWORK[-mimo][-mM][-kK], K where they are for one number of users."""
    parts = [network] + ["mimo"] * (user_antennas > 1) + ([f"m{antennas}"] if antennas else [])
    return "-".join(parts + ([f"k{users[0]}"] if users is not None and len(users) == 1 else []))


def find_weights(name_or_path: str, antennas: int | None = None, users: int | None = None, user_antennas: int = 1) -> Path:
    """The .safetensors file of a path or of a name, with or without what `weights_name` adds to it for M, K and N.

    Raises FileNotFoundError with the command that trains them.
    """
    exact = None if users is None else range(users, users + 1)
    more = [weights_name(name_or_path, antennas, k, n) for k in (exact, None) for n in (user_antennas, 1)]
    names = list(dict.fromkeys([name_or_path, *more]))
    for candidate in (*(folder / f"{name}.safetensors" for name in names for folder in folders()), *_paths(name_or_path)):
        if candidate.is_file():
            return candidate
    if Path(name_or_path).suffix == ".safetensors" or os.sep in name_or_path:
        raise FileNotFoundError(f"there is no file {name_or_path}: give a .safetensors file with its card beside it, or a name")
    raise FileNotFoundError(_missing(name_or_path, names, antennas, users, user_antennas))


def find_card(name_or_path: str) -> Path:
    """The .json card of a name, of weights, or of a path to it; the weights may be missing. Raises FileNotFoundError."""
    for candidate in (*(folder / f"{name_or_path}.json" for folder in folders()), Path(name_or_path).with_suffix(".json")):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"there is no card {name_or_path!r}: give a .json file or a name that `calibeam weights` lists")


def load_card(file: Path, antennas: int | None = None) -> Card:
    """The card beside a weights file. Raises ValueError where it is damaged, or for another number of antennas than `antennas`."""
    card = Card.read(file)
    if None not in (antennas, card.antennas) and card.antennas != antennas:
        raise ValueError(
            f"the weights {file.stem} are for antennas={card.antennas}, the link has antennas={antennas}; "
            f"train some with: {_command(card.network, antennas, None, 1)}"
        )
    return card


def load_network(name_or_path: str, antennas: int | None = None, users: int | None = None, user_antennas: int = 1) -> tuple[Network, Card]:
    """(network, card) of weights. Raises ValueError where they are damaged or for another number of antennas."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    file = find_weights(name_or_path, antennas, users, user_antennas)
    card = load_card(file, antennas)
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ValueError(f"{file} is damaged or is not what its card was written for (SHA-256 differs): fetch or train it again")
    try:
        network = card.build()
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError, TypeError, KeyError) as error:
        raise ValueError(f"{file} does not hold the weights that its card describes: {str(error).splitlines()[0]}") from None
    return network.eval(), card


def save_network(network: Network, card: Card, file: Path) -> Card:
    """Write weights, large tensors in half precision, and the card with their SHA-256; returns that card.

    Either both are new or both are old after an interruption between the two renames at worst. Raises ValueError for the folder of
    the shipped weights.
    """
    from safetensors.torch import save

    check_folder(file.parent)
    file.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: (value.half() if value.numel() >= _HALVED_FROM else value) for name, value in network.state_dict().items()}
    content = save({name: value.cpu().contiguous() for name, value in tensors.items()})
    card = replace(card, sha256=hashlib.sha256(content).hexdigest())
    draft = file.with_suffix(".safetensors.part")
    draft.write_bytes(content)
    draft.replace(file)
    card.write(file.with_suffix(".json"))
    return card


def check_folder(folder: Path) -> None:
    """Raise ValueError for the folder of the shipped weights, which are never written."""
    if folder.resolve() == SHIPPED.resolve():
        raise ValueError(f"{folder} holds the shipped weights, which training never writes: give another --folder")


def _paths(name: str) -> list[Path]:
    given = Path(name)
    return [given] if given.suffix == ".safetensors" else [Path(f"{name}.safetensors")]


def _missing(name: str, names: list[str], antennas: int | None, users: int | None, user_antennas: int) -> str:
    for folder in folders():
        for each in names:
            if (folder / f"{each}.json").is_file():
                return f"of the weights {each} only the card is here; train them with: calibeam train --config {folder / f'{each}.json'}"
    from trained.networks import NETWORKS

    wanted = f"{name!r}" + (f" for antennas={antennas}" if antennas else "") + (f", users={users}" if users else "")
    near = sorted((each for each in NETWORKS if name == each or name.startswith((f"{each}-m", f"{each}-k"))), key=len)
    if near:
        return f"there are no weights {wanted}; train some with: {_command(near[-1], antennas, users, user_antennas)}"
    return f"there are no weights {wanted}: give a .safetensors file or a name that `calibeam weights` lists"


def _command(network: str, antennas: int | None, users: int | None, user_antennas: int) -> str:
    from trained.networks import NETWORKS

    made = NETWORKS.get(network)
    parts = ["calibeam train"] + [f"--network {network}"] * (network != "calibrated")
    if antennas and not (made and made.any_antennas):
        parts.append(f"--antennas {antennas}")
    if users and made and ("max_users" in made.recipe or made.fixed_users):
        parts.append(f"--min-users {users} --max-users {users}")
    elif antennas and antennas < 16:
        parts.append(f"--max-users {antennas}")
    return " ".join(parts + [f"--world rayleigh --user-antennas {user_antennas}"] * (user_antennas > 1))
