"""Training checkpoints without pickle: weights and Adam moments in one safetensors file, counters in its metadata."""
from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file


def write_checkpoint(file: Path, network, optimizer, state: dict) -> None:
    """Write network, optimiser and a JSON-able `state`; the file is replaced in one step."""
    tensors = {f"network.{name}": value.contiguous() for name, value in network.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value).contiguous()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(file.name + ".part")
    save_file(tensors, draft, {"state": json.dumps(state)})
    draft.replace(file)


def read_checkpoint(file: Path, network, optimizer) -> dict:
    """Load a checkpoint into network and optimiser and return its state. Raises ValueError where it does not fit them."""
    try:
        with safe_open(file, "pt") as stored:
            state = json.loads(stored.metadata()["state"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        network.load_state_dict({n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")})
    except (SafetensorError, RuntimeError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} is not a checkpoint of this network ({str(error).splitlines()[0]}); "
                         "start afresh with --no-resume") from None
    moments: dict = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".")
            moments.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return state
