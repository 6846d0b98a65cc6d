"""Train a calibration network end to end on the downlink sum rate: python -m trained.training.train --help."""

from __future__ import annotations

import itertools
import json
import logging
import os
import warnings
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from trained.device import usable_device
from trained.evaluation.evaluate import USERS, evaluate, row_of, scenarios, table_of
from trained.store import SHIPPED, load_network, save_network
from trained.training.rayleigh import RayleighReference, rayleigh_scenario
from trained.training.settings import FIXED_USERS, RAYLEIGH, RECIPES, Settings
from trained.versions import versions

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
_MAKES, _LEARNS, _RUNS = "What is trained", "How it learns", "How it runs"


def train(
    context: typer.Context,
    network: Annotated[
        str,
        typer.Option(help=f"What to train: {', '.join(RECIPES)}. Those without 'perfect' hear uplink pilots only.", rich_help_panel=_MAKES),
    ] = "calibrated",
    antennas: Annotated[
        int,
        typer.Option(
            help="Base-station antennas M (the most of them for calibrated-perfect, which serves any number).", rich_help_panel=_MAKES
        ),
    ] = 64,
    min_users: Annotated[int, typer.Option(help="Fewest users K of a step; each step draws one K.", rich_help_panel=_MAKES)] = 2,
    max_users: Annotated[int, typer.Option(help="Most users K of a step; never more than M.", rich_help_panel=_MAKES)] = 16,
    regions: Annotated[int, typer.Option(help="calibrated: regions of the mixture of places.", rich_help_panel=_MAKES)] = 400,
    cells: Annotated[int, typer.Option(help="calibrated: cells in each region.", rich_help_panel=_MAKES)] = 5,
    rank: Annotated[int, typer.Option(help="calibrated: rank of a cell's covariance.", rich_help_panel=_MAKES)] = 4,
    hidden: Annotated[int, typer.Option(help="calibrated: width of the refinement MLP.", rich_help_panel=_MAKES)] = 256,
    layers: Annotated[int, typer.Option(help="unfolding, unfolding-mimo: layers.", rich_help_panel=_MAKES)] = 7,
    start: Annotated[
        str, typer.Option(help="unfolding, unfolding-mimo: start at layers that follow wmmse, or at rzf.", rich_help_panel=_MAKES)
    ] = "wmmse",
    user_antennas: Annotated[
        int,
        typer.Option(
            help="The -mimo networks, which are for Rayleigh fading: antennas, and streams, of each user.", rich_help_panel=_MAKES
        ),
    ] = 2,
    snr_db: Annotated[float, typer.Option(help="The -mimo networks: transmit power over noise power, dB.", rich_help_panel=_MAKES)] = 20.0,
    deepmimo: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="UPLINK_DIR DOWNLINK_DIR", rich_help_panel=_MAKES, help="DeepMIMO folders instead of the built-in room."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="CARD.json",
            rich_help_panel=_MAKES,
            help=(
                "Train as a card says (any file of trained/weights/*.json); options given beside it win. Cards of shipped weights count "
                "steps, so the same machine gives the same weights."
            ),
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(help="Budget as training time.", rich_help_panel=_LEARNS)] = 25.0,
    steps: Annotated[
        int | None,
        typer.Option(help="Budget as optimiser steps, instead of a time: the run can then be repeated exactly.", rich_help_panel=_LEARNS),
    ] = None,
    batch: Annotated[
        int,
        typer.Option(help="Coherence blocks of a step, all processes together; 1024 for the papers' networks.", rich_help_panel=_LEARNS),
    ] = 128,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate of Adam.", rich_help_panel=_LEARNS)] = 1e-3,
    schedule: Annotated[
        str, typer.Option(help="cosine (with warm-up) or constant, which the papers' networks take.", rich_help_panel=_LEARNS)
    ] = "cosine",
    mixture_rate: Annotated[
        float, typer.Option(help="calibrated: share of the learning rate for the mixture.", rich_help_panel=_LEARNS)
    ] = 0.1,
    default_power_share: Annotated[
        float,
        typer.Option(
            help="Share of blocks at the default powers (1 for the papers' "
            "networks); the rest draws -20 ... 10 dBm up "
            "and -5 ... 15 dBm down.",
            rich_help_panel=_LEARNS,
        ),
    ] = 0.7,
    downlink_power_dbm: Annotated[float, typer.Option(help="The default downlink power, dBm.", rich_help_panel=_LEARNS)] = 5.0,
    seed: Annotated[int, typer.Option(help="Seed of weights, users and noise.", rich_help_panel=_LEARNS)] = 1,
    name: Annotated[str | None, typer.Option(help="Name of the weights; NETWORK-mM by default.", rich_help_panel=_RUNS)] = None,
    folder: Annotated[Path, typer.Option(help="Where weights, card and checkpoint go.", rich_help_panel=_RUNS)] = SHIPPED,
    logs: Annotated[
        Path, typer.Option(help="Where CSV and TensorBoard logs and the picture of the training curve go.", rich_help_panel=_RUNS)
    ] = Path("out/training"),
    device: Annotated[str, typer.Option(help="cpu or cuda.", rich_help_panel=_RUNS)] = "cpu",
    devices: Annotated[
        int, typer.Option(help="Processes (cpu) or GPUs (cuda) on each machine; they share every batch.", rich_help_panel=_RUNS)
    ] = 1,
    nodes: Annotated[int, typer.Option(help="Machines; start the same command on each, by Slurm or torchrun.", rich_help_panel=_RUNS)] = 1,
    precision: Annotated[
        str, typer.Option(help=f"{', '.join(PRECISIONS)}: of the MLPs; complex arithmetic is always single.", rich_help_panel=_RUNS)
    ] = "32-true",
    blocks: Annotated[int, typer.Option(help="Test blocks of the table in the card.", rich_help_panel=_RUNS)] = 1000,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint of the same name if there is one.", rich_help_panel=_RUNS)] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.", rich_help_panel=_RUNS)] = False,
):
    """Train a calibration network on the downlink sum rate; writes NAME.safetensors and its card NAME.json.

    Every step draws users, powers and noise afresh from the training positions of the room and synthesises their
    channels on the training device. The rate that is shown is that of test positions, never trained on, as a share
    of WMMSE with perfect CSI.

    A checkpoint is kept as training goes. Ctrl-C, or a crash, loses what came after the last one; the same command
    goes on from it and ends with the weights of an unbroken run.

    Examples:

    - `python -m trained.training.train --antennas 32 --minutes 15`

    - `python -m trained.training.train --network paper-conference --min-users 8 --max-users 8`

    - `python -m trained.training.train --config trained/weights/calibrated-m64.json --folder out/again`

    - `python -m trained.training.train --device cuda --devices 4 --precision bf16-mixed --batch 4096`
    """
    given = {
        key: value
        for key, value in context.params.items()
        if (source := context.get_parameter_source(key)) is not None and source.name == "COMMANDLINE"
    }
    console = Console(quiet=quiet or not _first_process())
    try:
        settings = _settings(config, given)
        if precision not in PRECISIONS:
            raise ValueError(f"precision={precision!r} is not one of {', '.join(PRECISIONS)}")
        if precision == "16-mixed" and device == "cpu":
            raise ValueError(f"precision={precision!r} needs a GPU: take bf16-mixed on the CPU")
        for option, value, least in (("devices", devices, 1), ("nodes", nodes, 1), ("blocks", blocks, 2)):
            if value < least:
                raise ValueError(f"{option}={value} has to be at least {least}")
        if settings.batch < devices * nodes:
            raise ValueError(f"batch={settings.batch} cannot be shared by {devices * nodes} processes")
        usable_device(device)
        file = folder / f"{name or _default_name(settings)}.safetensors"
        _run(settings, file, logs, console, device, devices, nodes, precision, blocks, resume)
    except KeyboardInterrupt:
        console.print("stopped outside of training; the same command starts or goes on")
        raise typer.Exit(130) from None
    except (ValueError, OSError, ImportError, MemoryError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def _settings(config, given):
    changes = {f.name: given[f.name] for f in fields(Settings) if f.name in given}
    if changes.get("deepmimo"):
        changes["deepmimo"] = tuple(str(folder) for folder in changes["deepmimo"])
    if config is None:
        network = changes.pop("network", "calibrated")
        if "antennas" in changes and "max_users" not in changes and network not in FIXED_USERS:
            changes["max_users"] = min(16, changes["antennas"])
        return Settings.of(network, **changes)
    try:
        stored = json.loads(config.read_text())["training"]
        stored = {f.name: stored[f.name] for f in fields(Settings) if f.name in stored}
        if isinstance(stored.get("deepmimo"), list):
            stored["deepmimo"] = tuple(stored["deepmimo"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{config} is not a card of calibration weights ({error!r})") from None
    if "minutes" in changes and "steps" not in changes:
        changes["steps"] = None
    return replace(Settings.of(stored.pop("network", "calibrated"), **stored), **changes)


def _default_name(s: Settings) -> str:
    if s.network == "calibrated-perfect":
        return s.network
    return f"{s.network}-m{s.antennas}" + (f"-k{s.max_users}" if s.network in FIXED_USERS else "")


def _first_process() -> bool:
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def _run(settings, file, logs, console, device, devices, nodes, precision, blocks, resume):
    try:
        import lightning
        from lightning.fabric.utilities.exceptions import MisconfigurationException
        from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
    except ImportError as error:
        raise ImportError(f"training needs more than streaming does ({error}): pip install 'calibeam[train]'") from None
    from trained.training.loop import Training, check_checkpoint
    from trained.training.watch import Watch

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning.*")
    checkpoint = file.with_suffix(".checkpoint")
    going_on = resume and checkpoint.is_file()
    if going_on:
        steps, seconds = check_checkpoint(checkpoint, settings)
        console.print(f"going on from step {steps} ({seconds / 60:.1f} min)")
    with console.status("ray tracing, and fitting what training starts from"):
        training, watch = Training(settings), Watch(checkpoint, console)
    loggers = [kind(save_dir=logs, name=file.stem) for kind in (CSVLogger, TensorBoardLogger)]
    ranks = devices * nodes
    try:
        trainer = lightning.Trainer(
            accelerator="gpu" if device.startswith("cuda") else "cpu",
            devices=devices,
            num_nodes=nodes,
            precision=precision,
            strategy="ddp_find_unused_parameters_true" if ranks > 1 else "auto",
            use_distributed_sampler=False,
            max_steps=settings.steps or -1,
            max_epochs=-1,
            logger=loggers,
            callbacks=[watch],
            log_every_n_steps=20,
            deterministic=device == "cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
    except MisconfigurationException as error:
        raise ValueError(f"devices={devices}, nodes={nodes}: {str(error).splitlines()[0]}") from None
    try:
        trainer.fit(training, itertools.repeat(0), weights_only=True, ckpt_path=checkpoint if going_on else None)
    except SystemExit:
        watch.interrupted = True
    if watch.interrupted:
        console.print(f"stopped at step {training.steps_done}; the same command goes on from {checkpoint}")
        raise typer.Exit(130)
    if trainer.is_global_zero:
        _finish(training, watch, file, logs, console, blocks, {"device": device, "processes": ranks, "precision": precision})
        checkpoint.unlink(missing_ok=True)


def _finish(training, watch, file, logs, console, blocks, run):
    from trained.evaluation.curve import draw_curves

    s = training.settings
    curve = {"antennas": s.antennas, "users": watch.reference.scenario.users, "baselines": watch.baselines(), "points": training.curve}
    card = card_of(training, curve, {**run, "threads": torch.get_num_threads()})
    save_network(training.network.cpu(), card, file)
    network, _ = load_network(str(file))
    console.print("measuring the table of the card")
    rows = _rows(network, s, blocks)
    save_network(network, {**card, "results": {"blocks": blocks, "rows": rows}}, file)
    picture = logs / f"{file.stem}.png"
    draw_curves({file.stem: curve}, picture)
    console.print(table_of(rows, blocks))
    console.print(f"wrote {file} and its card, and {picture}")


def _rows(network, s, blocks):
    if s.network in RAYLEIGH:
        return [row_of(network, RayleighReference.of(rayleigh_scenario(s), blocks))]
    every = [
        replace(scenario, downlink_power_dbm=s.downlink_power_dbm)
        for scenario in scenarios(None if s.network == "calibrated-perfect" else s.antennas, s.world, (*USERS, s.max_users))
    ]
    every = list(dict.fromkeys(every))
    return [evaluate(network, scenario, blocks) for scenario in every if scenario.antennas <= s.antennas and network.serves(scenario.users)]


def card_of(training, curve: dict, run: dict) -> dict:
    """The card that lies beside the weights; its results come later."""
    from trained.training.drops import DOWNLINK_POWERS_DBM, UPLINK_POWERS_DBM
    from trained.training.loop import architecture, training_scenario

    s, (made, arguments) = training.settings, architecture(training.settings)
    scenario = training_scenario(s)
    test = rayleigh_scenario(s) if s.network in RAYLEIGH else replace(scenario, split="test", seed=0, users=min(8, s.antennas))
    return {
        "architecture": {"name": made.__name__, "arguments": arguments},
        "csi": made.csi,
        "antennas": None if s.network == "calibrated-perfect" else s.antennas,
        "scenario": asdict(test),
        "training": {
            **asdict(s),
            "steps_done": training.steps_done,
            "minutes_done": round(training.seconds / 60, 2),
            "steps_skipped": training.skipped,
            "uplink_powers_dbm": UPLINK_POWERS_DBM,
            "downlink_powers_dbm": DOWNLINK_POWERS_DBM,
            **run,
        },
        "seed": s.seed,
        "split": {"trained_on": "train", "tested_on": "test", "split_seed": scenario.split_seed, "test_positions": scenario.test_positions},
        "curve": curve,
        "results": {"blocks": 0, "rows": []},
        "versions": versions("lightning"),
    }


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
app.command()(train)

if __name__ == "__main__":
    app()
