"""Where learned blocks compute."""

import torch


def usable_device(name: str) -> torch.device:
    """The torch device of that name. Raises ValueError where torch does not know it or the machine does not have it."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device={name!r} is not one of cpu, cuda, cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={name!r}: this machine has no CUDA device that torch can use; take cpu")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device={name!r} is not one of cpu, cuda, cuda:N")
    return device


def on_device(array, device: str) -> torch.Tensor:
    """An array or tensor as a tensor on a device; an array goes to a GPU through pinned memory, without a wait."""
    if torch.is_tensor(array):
        return array.to(device)
    tensor = torch.tensor(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device != "cpu" else tensor
