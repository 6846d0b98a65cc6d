"""One training run from settings to weights with their card."""

from __future__ import annotations

import itertools
import json
import logging
import os
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from sim.world.named import name_of
from trained.card import Card
from trained.device import usable_device
from trained.evaluation.table import evaluated, table_of, table_scenarios
from trained.networks import find_network
from trained.store import check_folder, load_network, save_network, user_folder, weights_name
from trained.training.settings import Settings
from trained.versions import versions

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class Run:
    """How a training runs; nothing of it decides what weights come out.

    name       name of the weights; by default NETWORK-mM, with -kK where they are for one number of users
    folder     where weights, card and checkpoint go; by default the user's folder of weights, where every program finds them by name
    logs       where logs and the picture of the training curve go, in a folder of the weights' name
    device     where it computes, cpu or cuda
    devices    processes (cpu) or GPUs (cuda) on each machine; they share every batch
    nodes      machines; start the same command on each, by Slurm or torchrun
    precision  of the MLPs: 32-true, bf16-mixed or 16-mixed; complex arithmetic is always single
    blocks     coherence blocks for each row of the table in the card
    resume     go on from the checkpoint of the same name if there is one
    force      replace weights of the same name
    """

    name: str | None = None
    folder: Path | None = None
    logs: Path = Path("out/training")
    device: str = "cpu"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    blocks: int = 1000
    resume: bool = True
    force: bool = False

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision={self.precision!r} is not one of {', '.join(PRECISIONS)}")
        if self.precision == "16-mixed" and self.device == "cpu":
            raise ValueError(f"precision={self.precision!r} needs a GPU: take bf16-mixed on the CPU")
        for option, least in (("devices", 1), ("nodes", 1), ("blocks", 2)):
            if getattr(self, option) < least:
                raise ValueError(f"{option}={getattr(self, option)} has to be at least {least}")
        usable_device(self.device)


class Stopped(Exception):
    """Training was stopped before its end; the same command goes on."""


def train(settings: Settings, run: Run, console: Console) -> Path | None:
    """Train; the weights' file, or None in a process that does not write it.

    Raises ValueError where weights of the name are there already, before anything is done, and Stopped at Ctrl-C.
    """
    if settings.batch < run.devices * run.nodes:
        raise ValueError(f"batch={settings.batch} cannot be shared by {run.devices * run.nodes} processes")
    network = find_network(settings.network)
    antennas = None if network.any_antennas else settings.antennas
    usual = weights_name(network.name, antennas, None if network.any_antennas else settings.users, settings.user_antennas)
    file = (run.folder or user_folder()) / f"{run.name or usual}.safetensors"
    check_folder(file.parent)
    checkpoint = file.with_suffix(".checkpoint")
    going_on = run.resume and checkpoint.is_file()
    if file.is_file() and not going_on and not run.force:
        raise ValueError(f"{file} is there already: give another --name, or --force to replace it")
    return _fit(settings, run, file, checkpoint if going_on else None, console)


def _fit(settings: Settings, run: Run, file: Path, checkpoint: Path | None, console: Console) -> Path | None:
    try:
        import lightning
        from lightning.fabric.utilities.exceptions import MisconfigurationException
        from lightning.pytorch.loggers import TensorBoardLogger
    except ImportError as error:
        raise ImportError(f"training needs more than streaming does ({error}): pip install 'calibeam[train]'") from None
    from trained.training.loop import Training, check_checkpoint, described
    from trained.training.rows import RowsLogger
    from trained.training.watch import Watch

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning.*")
    steps = 0
    if checkpoint is not None:
        steps, seconds = check_checkpoint(checkpoint, settings)
        console.print(f"going on from step {steps} ({seconds / 60:.1f} min)")
    with console.status("ray tracing, and fitting what training starts from"):
        training, watch = Training(settings), Watch(file.with_suffix(".checkpoint"), console)
    logs = run.logs / file.stem
    board = TensorBoardLogger(save_dir=run.logs, name=file.stem, version="")
    board.log_hyperparams(_flat(described(settings)))
    loggers = [board, RowsLogger(logs / "metrics.csv", steps)]
    ranks = run.devices * run.nodes
    try:
        trainer = lightning.Trainer(
            accelerator="gpu" if run.device.startswith("cuda") else "cpu",
            devices=run.devices,
            num_nodes=run.nodes,
            precision=run.precision,  # type: ignore[arg-type]
            strategy="ddp_find_unused_parameters_true" if ranks > 1 else "auto",
            use_distributed_sampler=False,
            max_steps=settings.steps or -1,
            max_epochs=-1,
            logger=loggers,
            callbacks=[watch],
            deterministic=run.device == "cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
    except MisconfigurationException as error:
        raise ValueError(f"devices={run.devices}, nodes={run.nodes}: {str(error).splitlines()[0]}") from None
    if trainer.is_global_zero:
        (logs / "settings.json").write_text(json.dumps(described(settings), indent=2) + "\n")
    try:
        trainer.fit(training, itertools.repeat(0), weights_only=True, ckpt_path=checkpoint)
    except SystemExit:
        watch.interrupted = True
    finally:
        watch.close()
    if watch.interrupted:
        raise Stopped(f"stopped at step {training.steps_done}; the same command goes on from {watch.checkpoint}")
    if not trainer.is_global_zero:
        return None
    facts = {"device": run.device, "processes": ranks, "precision": run.precision, "threads": torch.get_num_threads()}
    _finish(training, watch, file, logs, console, run.blocks, facts)
    watch.checkpoint.unlink(missing_ok=True)
    return file


def _finish(training: Any, watch: Any, file: Path, logs: Path, console: Console, blocks: int, facts: dict[str, Any]) -> None:
    from trained.evaluation.curve import draw_curves

    s = training.settings
    points = {"antennas": s.antennas, "users": watch.reference.scenario.users, "baselines": watch.baselines(), "points": training.curve}
    save_network(training.network.cpu(), card_of(training, points, facts), file)
    network, card = load_network(str(file))
    console.print("measuring the table of the card")
    rows = evaluated(network, table_scenarios(network, s.scenario("test")), blocks)
    save_network(network, replace(card, results={"blocks": blocks, "rows": rows}), file)
    picture = logs / "curve.png"
    draw_curves({file.stem: points}, picture)
    console.print(table_of(rows, blocks))
    console.print(f"wrote {file} and its card, and {picture}", soft_wrap=True)


def card_of(training: Any, curve: dict[str, Any], facts: dict[str, Any]) -> Card:
    """The card that lies beside the weights; its results come later."""
    from trained.training.drops import DOWNLINK_POWERS_DBM, UPLINK_POWERS_DBM

    s, network = training.settings, find_network(training.settings.network)
    test = s.scenario("test", s.watched_users())
    done = {
        "steps_done": training.steps_done,
        "minutes_done": round(training.seconds / 60, 2),
        "steps_skipped": training.skipped,
        "uplink_powers_dbm": UPLINK_POWERS_DBM,
        "downlink_powers_dbm": DOWNLINK_POWERS_DBM,
    }
    split = {"trained_on": "train", "watched_on": "validation", "tested_on": "test"}
    return Card(
        network=network.name,
        size=asdict(s.size),
        config=asdict(s.config),
        hears=str(network.hears),
        gives=str(network.gives),
        world=name_of(s.world),
        scenario=json.loads(json.dumps(asdict(test))),
        training={**s.recorded(), **done, **facts},
        split={**split, "split_seed": test.split_seed, "test_positions": test.test_positions},
        curve=curve,
        versions=versions("lightning"),
    )


def first_process() -> bool:
    """Whether this is the process that prints, of all that share a run."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value if isinstance(value, int | float | str | bool) else str(value)
    return found
