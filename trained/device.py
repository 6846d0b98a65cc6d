"""Where learned blocks compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def usable_device(name: str) -> str:
    """The name of a device, "cpu", "cuda" or "cuda:N". Raises ValueError where torch does not know it or the machine does not have it.

    Imports torch for others than "cpu".
    """
    if name == "cpu":
        return name
    import torch

    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device={name!r} is not one of cpu, cuda, cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={name!r}: this machine has no CUDA device that torch can use; take cpu")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device={name!r} is not one of cpu, cuda, cuda:N")
    return str(device)


def on_device(array: Any, device: str) -> torch.Tensor:
    """An array or tensor as a tensor on a device; an array goes to a GPU through pinned memory, without a wait."""
    import torch

    if torch.is_tensor(array):
        return array.to(device)
    tensor = torch.tensor(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device != "cpu" else tensor
