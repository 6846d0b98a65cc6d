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
