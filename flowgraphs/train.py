"""Train a network end to end on the downlink sum rate.

python flowgraphs/train.py --antennas 48 --minutes 15
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from flowgraphs.wiring.command_line import program, run
from flowgraphs.wiring.options import Given, Options, peek, with_options
from flowgraphs.wiring.world_options import PANEL, WorldOptions
from trained.card import Card
from trained.networks import NETWORKS, find_network
from trained.store import find_card
from trained.training.run import Run, Stopped, first_process
from trained.training.run import train as run_training
from trained.training.settings import Settings, settings_of_card

_LEARNS = ("minutes", "steps", "batch", "learning_rate", "schedule", "warmup_steps", "beta2", "default_power_share", "seed")
_LINK = ("antennas", "min_users", "max_users", "user_antennas", "uplink_power_dbm", "downlink_power_dbm", "noise_dbm", "link_loss_db")


def command(arguments: list[str]) -> Callable:
    """The typer command, with the options of the network that the arguments name."""
    named, card = peek(arguments, "--network"), peek(arguments, "--config")
    kind = find_network(named or (Card.read(find_card(card)).network if card else "calibrated"))

    @with_options(
        link=Options(Settings, "What it is for", only=_LINK, defaults=kind.recipe),
        world=Options(WorldOptions, PANEL),
        config=Options(kind.Config, f"The network {kind.name}"),
        learning=Options(Settings, "How it learns", only=_LEARNS, defaults=kind.recipe),
        run=Options(Run, "How it runs"),
    )
    def train(
        context: typer.Context,
        network: Annotated[str, typer.Option(help=f"{', '.join(NETWORKS)}, or a class of your own, my.py:Mine.")] = "calibrated",
        config_card: Annotated[
            str | None, typer.Option("--config", metavar="NAME|CARD.json", help="Train as a card says; options given beside it win.")
        ] = None,
        link: Given[Settings] = ...,  # type: ignore[assignment]
        world: Given[WorldOptions] = ...,  # type: ignore[assignment]
        config: Given = ...,  # type: ignore[assignment]
        learning: Given[Settings] = ...,  # type: ignore[assignment]
        run: Given[Run] = ...,  # type: ignore[assignment]
        quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    ):
        """Train a network on the downlink sum rate; writes NAME.safetensors and its card NAME.json.

        Every step draws users, powers and noise afresh from the training positions of the world and synthesises their channels on the
        training device. The rate that is shown is that of validation positions, never trained on, as a share of WMMSE with perfect CSI.

        A checkpoint is kept as training goes. Ctrl-C, or a crash, loses what came after the last one; the same command goes on from it and
        ends with the weights of an unbroken run.
        """
        console = Console(quiet=quiet or not first_process())
        changes = link.chosen() | learning.chosen()
        if config_card is None:
            where = {"world": world.make().make()} if world.given else {}
            settings = Settings.of(kind.name, config.chosen(), **where, **changes)
        else:
            card = Card.read(find_card(config_card))
            settings = settings_of_card(card, world.make().make() if world.given else None, config.chosen(), **changes)
        try:
            run_training(settings, run.make(), console)
        except (Stopped, KeyboardInterrupt) as stop:
            console.print(str(stop) or "stopped outside of training; the same command starts or goes on")
            raise KeyboardInterrupt from None

    return train


def make_app(arguments: list[str]) -> typer.Typer:
    """The app, with the options of the network that the arguments name."""
    return program(command(arguments))


def main() -> None:
    """The program; for exit codes see flowgraphs.wiring.command_line.run."""
    run(lambda **how: make_app(sys.argv[1:])(**how))


if __name__ == "__main__":
    main()
