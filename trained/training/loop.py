"""One training run as a Lightning module: network, optimiser, learning rate, and what it needs to go on after a stop."""

from __future__ import annotations

import json
import math
import pickle
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import torch

from trained.networks import Network
from trained.training.drops import Drops
from trained.training.settings import Settings


def started_network(settings: Settings) -> Network:
    """A network with the weights that training starts from; they depend on the settings alone."""
    torch.manual_seed(settings.seed)
    network = settings.build()
    network.start(settings.scenario("train", seed=settings.seed), torch.Generator().manual_seed(settings.seed))
    return network


_COUNTED = ("steps_done", "seconds", "skipped", "curve")


class Training(lightning.LightningModule):
    """Maximises the mean sum rate over random drops; `steps_done`, `seconds`, `skipped` and `curve` count over all resumptions.

    Step n sees drop n and a learning rate that depends on the progress alone, so a resumed run ends where an
    unbroken one does.
    """

    def __init__(self, settings: Settings):
        super().__init__()
        self.settings = settings
        self.network = started_network(settings)
        self.steps_done, self.seconds, self.skipped = 0, 0.0, 0
        self.curve: list[dict] = []

    @property
    def progress(self) -> float:
        """Share of the budget that is used up, 0 ... 1."""
        s = self.settings
        return min(1.0, self.steps_done / s.steps if s.steps else self.seconds / (60 * s.minutes))

    def configure_optimizers(self):
        return torch.optim.Adam(self.network.parameter_groups(), self.settings.learning_rate, betas=(0.9, self.settings.beta2))

    def on_fit_start(self):
        self.drops = Drops(self.settings, self.device)

    def on_train_batch_start(self, batch, batch_idx):
        self.began = time.monotonic()
        s, rate = self.settings, self.settings.learning_rate
        if s.schedule == "cosine":
            rate *= min(1.0, (self.steps_done + 1) / s.warmup_steps) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress)))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate * group["share"]

    def training_step(self, batch, batch_idx):
        drop = self.drops.drop(self.steps_done, self.network, self.global_rank, self.trainer.world_size)
        return self.network.loss(drop, self.drops.noise_power, self.progress)

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), math.inf if self.settings.clip is None else self.settings.clip)
        if not torch.isfinite(norm):
            optimizer.zero_grad(set_to_none=True)
            self.skipped += 1

    def optimizer_step(self, *args, **kwargs):
        super().optimizer_step(*args, **kwargs)
        self.steps_done += 1
        self.seconds += time.monotonic() - self.began
        if self.trainer.world_size > 1 and not self.settings.steps:
            self.seconds = self.trainer.strategy.broadcast(self.seconds)

    def on_save_checkpoint(self, checkpoint):
        checkpoint["calibeam"] = {"settings": described(self.settings), **{name: getattr(self, name) for name in _COUNTED}}

    def on_load_checkpoint(self, checkpoint):
        for name in _COUNTED:
            setattr(self, name, checkpoint["calibeam"][name])


def described(settings: Settings) -> dict[str, Any]:
    """Settings as plain numbers, strings, lists and maps."""
    return json.loads(json.dumps(asdict(settings)))


def check_checkpoint(file: Path, settings: Settings) -> tuple[int, float]:
    """(steps, seconds) that a checkpoint holds. Raises ValueError where it is damaged or of other settings (the budget may differ)."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)["calibeam"]
        theirs = dict(state["settings"])
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{file} is not a checkpoint of a training run ({reason}); start afresh with --no-resume") from None
    ours = described(settings)
    differing = [name for name in ours if name not in ("minutes", "steps") and theirs.get(name) != ours[name]]
    if differing:
        told = "; ".join(f"{name} was {theirs.get(name)!r}, is {ours[name]!r}" for name in differing)
        raise ValueError(f"{file} was made with other settings ({told}): use the same, or start afresh with --no-resume")
    return state["steps_done"], state["seconds"]
