"""The contract that every network keeps; tests of networks, our own and other people's, call it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sim.world.named import described, name_of
from sim.world.scenario import Scenario
from trained.card import Card
from trained.networks import NETWORKS, Gives, Hears, Network
from trained.store import load_network, save_network
from trained.training.drops import Drops
from trained.training.settings import Settings

_BLOCKS = 6
Hold = Callable[..., None]


def check_network(kind: type[Network], scenario: Scenario | None = None, config: dict[str, Any] | None = None) -> list[str]:
    """Hold a network to the contract; the sentences that hold.

    scenario: for how many antennas and users, and in which world, it is tried; 16 and 4 in the built-in room by default. config:
    hyper-parameters, to make it small. Raises AssertionError with the sentence that does not hold and what was seen.
    """
    s = Scenario(antennas=16, users=4, split="train") if scenario is None else scenario
    held: list[str] = []

    def hold(sentence: str, true: bool, seen: Any = "") -> None:
        if not true:
            raise AssertionError(f"{kind.__name__}: {sentence}" + (f"; seen: {seen}" if seen != "" else ""))
        if sentence not in held:
            held.append(sentence)

    hold("it has a name and a title, given by @network", NETWORKS.get(kind.name) is kind and bool(kind.title), (kind.name, kind.title))
    hold("hears and gives are Hears and Gives", isinstance(kind.hears, Hears) and isinstance(kind.gives, Gives), (kind.hears, kind.gives))
    frozen = is_dataclass(kind.Config) and kind.Config.__dataclass_params__.frozen  # type: ignore[attr-defined]
    hold("Config is a frozen dataclass", frozen)
    undocumented = [f.name for f in fields(kind.Config) if f.name not in (kind.Config.__doc__ or "")]
    hold("the docstring of Config has a word for each hyper-parameter", not undocumented, undocumented)

    fewest = s.users if kind.fixed_users else min(2, s.users)
    settings = Settings.of(
        kind.name,
        config,
        antennas=s.antennas,
        min_users=fewest,
        max_users=s.users,
        world=s.world,
        batch=_BLOCKS,
        user_antennas=s.user_antennas,
    )
    kept = json.loads(json.dumps(asdict(settings.config)))
    again = kind.Config(**{name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()})
    hold("Config survives a card", again == settings.config, again)

    torch.manual_seed(0)
    network = settings.build()
    network.start(settings.scenario("train"), torch.Generator().manual_seed(0))
    hold("it serves the users that it is made for", all(network.serves(k) for k in settings.users))
    for users in sorted({fewest, s.users}):
        _outputs(network, settings, users, hold)
    _training(network, settings, hold)
    _weights(network, settings, hold)
    return held


def _drop(network: Network, settings: Settings, users: int, seed: int = 5) -> Any:
    only = Settings.of(
        settings.network,
        asdict(settings.config),
        **{f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in ("network", "config", "min_users", "max_users")},
        min_users=users,
        max_users=users,
    )
    with torch.no_grad():
        return Drops(only, torch.device("cpu")).drop(seed, network)


def _outputs(network: Network, settings: Settings, users: int, hold: Hold) -> None:
    network.eval()
    drop, noise_power, m = _drop(network, settings, users), settings.scenario("train").noise_power, settings.antennas
    given: tuple[Tensor, ...]
    shapes: list[tuple[int, ...]]
    with torch.no_grad():
        if settings.user_antennas > 1:
            h = drop.h_dl * (drop.power / noise_power).sqrt()[:, None, None, None]
            given = (network.precoders(h),)  # type: ignore[operator]
            shapes = [(_BLOCKS, users, m, settings.user_antennas)]
        else:
            given = _given(network, drop, noise_power)
            m = given[0].shape[1] if network.any_antennas else m
            powers = [(_BLOCKS, users)] * 2 if network.gives is Gives.STRUCTURE else []
            shapes = [(_BLOCKS, m, users), *powers]
    seen = [tuple(x.shape) for x in given]
    hold(f"what it gives for {users} users has the shapes of {network.gives.value!r}", seen == shapes, f"{seen}, expected {shapes}")
    finite = all(bool(torch.isfinite(torch.view_as_real(x) if x.is_complex() else x).all()) for x in given)
    hold(f"what it gives for {users} users is finite", finite)
    hold(f"channels and precoders for {users} users are complex64", given[0].dtype == torch.complex64, given[0].dtype)
    if network.gives is Gives.STRUCTURE:
        p, q = given[1:]
        hold("the powers p sum to the downlink power", torch.allclose(p.sum(1), drop.power, rtol=1e-3), p.sum(1))
        hold("p and q are not negative", bool((p >= 0).all() and (q >= 0).all()))
    elif network.gives is Gives.PRECODER:
        power = (given[0].abs() ** 2).flatten(1).sum(1)
        limit = torch.ones_like(drop.power) if settings.user_antennas > 1 else drop.power
        hold("the precoder keeps to the power budget", bool((power <= 1.001 * limit).all()), power)
    if settings.user_antennas == 1:
        with torch.no_grad():
            alone = _given(network, type(drop)(*(x[:1] for x in drop)), noise_power)
        same = all(
            torch.allclose(one, all_[:1], rtol=1e-3, atol=1e-4 * float(all_.abs().max())) for one, all_ in zip(alone, given, strict=True)
        )
        hold("a coherence block gets the same alone as among others", same)


def _given(network: Network, drop: Any, noise_power: float) -> tuple[Tensor, ...]:
    given: tuple[Tensor, ...] = network(drop.heard, drop.estimate_noise, drop.power, noise_power)
    return given


def _training(network: Network, settings: Settings, hold: Hold) -> None:
    network.train()
    drop, noise_power = _drop(network, settings, settings.max_users), settings.scenario("train").noise_power
    for progress in (0.0, 1.0):
        network.zero_grad()
        loss = network.loss(drop, noise_power, progress)
        hold("the loss is one finite number", loss.dim() == 0 and bool(torch.isfinite(loss)), loss)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        hold("gradients are finite", all(bool(torch.isfinite(g).all()) for g in gradients))
        hold("the loss has a gradient", any(float(g.abs().max()) > 0 for g in gradients))
    grouped = {id(p) for group in network.parameter_groups() for p in group["params"]}
    left = [name for name, p in network.named_parameters() if p.requires_grad and id(p) not in grouped]
    hold("every parameter that is trained is in a parameter group", not left, left)


def _weights(network: Network, settings: Settings, hold: Hold) -> None:
    network.eval()
    kind = type(network)
    about = (asdict(settings.size), asdict(settings.config), str(kind.hears), str(kind.gives))
    scenario = settings.scenario("test")
    made = Card(kind.name, *about, name_of(scenario.world), {"world": described(scenario.world)})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checked.safetensors"
        save_network(network, made, file)
        loaded, _ = load_network(str(file))
    before, after = network.state_dict(), loaded.state_dict()
    same = before.keys() == after.keys() and all(
        torch.allclose(after[name].float(), x.float(), rtol=2e-3, atol=1e-3 * float(x.float().abs().max()) + 1e-12)
        for name, x in before.items()
    )
    hold("weights survive the file, in half precision where they are large", same)
