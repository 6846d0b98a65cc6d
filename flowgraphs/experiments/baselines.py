"""Training of everything that the published figures compare."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from trained.card import Card
from trained.evaluation.published import BLACK_BOX, IAIDNN, MIMO_USERS

RATES = {"unfolding": (1e-3, 3e-3, 1e-2), "unfolding-mimo": (3e-3, 1e-2, 3e-2)}
USUAL_RATES = (3e-4, 1e-3, 3e-3)
TIMES = {"channel-mapping": 9, "data-driven": 9}  # from pilots they learn slowly; calibrated-m16 had as long
_CALIBRATED = {
    "calibrated-m64-minus10": ("calibrated", {"antennas": 64, "default_power_share": 1.0}),
    "calibrated-perfect-k4": ("calibrated-perfect", {"antennas": 64, "min_users": 4, "max_users": 4}),
    "calibrated-perfect-minus10": ("calibrated-perfect", {"antennas": 64, "downlink_power_dbm": -10.0, "default_power_share": 1.0}),
}


_MIMO = {"world": "rayleigh", "user_antennas": 2, "batch": 64}


def _compared() -> dict[str, tuple[str, dict]]:
    sizes = [(m, 8) for m in (16, 32, 64, 128)]
    made: dict[str, tuple[str, dict]] = {f"channel-mapping-m{m}": ("channel-mapping", {"antennas": m}) for m, _ in sizes}
    for network, antennas, more in (
        ("data-driven", 64, (2, 4, 10, 16)),
        ("data-driven-perfect", 32, (2, 4, 12, 16)),
        ("unfolding", 32, (2, 4, 12, 16)),
    ):
        for m, k in [*sizes, *((antennas, k) for k in more)]:
            made[f"{network}-m{m}-k{k}"] = (network, {"antennas": m, "min_users": k, "max_users": k})
    for m in (64, 128):
        made[f"unfolding-m{m}-k8"][1]["begin"] = "rzf"
    made["unfolding-m128-k8"][1]["layers"] = 4  # 31 million numbers at 20 layers, 11 at 7
    made["data-driven-perfect-m32-k10-powers"] = (
        "data-driven-perfect",
        {"antennas": 32, "min_users": 10, "max_users": 10, "default_power_share": 0.0},
    )
    for network in ("unfolding-mimo", "data-driven-perfect-mimo"):
        made |= {
            f"{network}-m{m}-k{k}": (
                network,
                {
                    **_MIMO,
                    "antennas": m,
                    "min_users": k,
                    "max_users": k,
                    **({"begin": "rzf"} if network == "unfolding-mimo" and m > 8 else {}),
                },
            )
            for m, users in MIMO_USERS.items()
            for k in users
        }
    return made


BASELINES = _compared()
TUNED_ON = {
    "channel-mapping": "channel-mapping-m64",
    "data-driven": "data-driven-m64-k8",
    "data-driven-perfect": "data-driven-perfect-m32-k8",
    "unfolding": "unfolding-m32-k8",
    "unfolding-mimo": "unfolding-mimo-m32-k8",
    "data-driven-perfect-mimo": "data-driven-perfect-mimo-m32-k8",
}
NAMES = {**BASELINES, **_CALIBRATED}


def train_missing(names: list[str], minutes: float, folder: Path, workers: int, logs: Path, console: Console) -> None:
    """Train those of `names` that `folder` lacks, `workers` at a time with one thread each.

    Each has `minutes` times its entry in TIMES, or 1.

    A compared method learns with that of three rates that did best on its TUNED_ON, in the same minutes; its cards tell what each gave.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not (folder / f"{name}.safetensors").is_file()]
    methods = dict.fromkeys(BASELINES[name][0] for name in missing if name in BASELINES)
    trials = [
        (method, rate, logs / "rates" / f"{TUNED_ON[method]}-{rate:g}.json")
        for method in methods
        for rate in RATES.get(method, USUAL_RATES)
    ]

    def trial(job):
        method, rate, card = job
        if not card.is_file():
            _train(card.stem, *BASELINES[TUNED_ON[method]], minutes * TIMES.get(method, 1), card.parent, logs, rate, console)

    def final(name):
        network, changes = NAMES[name]
        if name not in BASELINES:
            return _train(name, network, changes, minutes * 3, folder, logs, None, console)
        found = {rate: _share(card) for method, rate, card in trials if method == network and card.is_file()}
        if not found:
            raise ValueError(f"{name}: none of the learning rates {RATES.get(network, USUAL_RATES)} could be tried")
        best = max(found, key=found.__getitem__)
        if name == TUNED_ON[network]:
            tuned = logs / "rates" / f"{name}-{best:g}"
            for suffix in (".safetensors", ".json"):
                (folder / f"{name}{suffix}").write_bytes(tuned.with_suffix(tuned.suffix + suffix).read_bytes())
        else:
            _train(name, network, changes, minutes * TIMES.get(network, 1), folder, logs, best, console)
        file = folder / f"{name}.json"
        card = Card.read(file)
        rates = {"tuned_on": TUNED_ON[network], "share_of_wmmse": {f"{rate:g}": share for rate, share in found.items()}}
        replace(card, learning_rates=rates, published=_beside_published(network, card)).write(file)

    def attempt(job, what):
        try:
            job(what)
        except ValueError as error:
            console.print(f"failed: {error}")
            failed.append(str(error))

    failed: list[str] = []
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda what: attempt(trial, what), trials))
        list(pool.map(lambda what: attempt(final, what), missing))
    if failed:
        raise ValueError(f"{len(failed)} trainings failed; the first: {failed[0]}")


def _beside_published(method: str, card: Card) -> dict | None:
    """What the card of a method for several antennas tells about its distance from the paper."""
    s, size = card.training, card.size
    share = {"unfolding-mimo": IAIDNN, "data-driven-perfect-mimo": BLACK_BOX}.get(method, {}).get((size["antennas"], size["max_users"]))
    if share is None:
        return None
    ours = card.results["rows"][0]["fraction_of_wmmse"]
    return {
        "source": "Hu et al., Tables I-III",
        "share_of_wmmse": share,
        "ours": ours,
        "ratio": ours / share,
        "why": f"{s['minutes']:g} min and {s['steps_done']} steps of {s['batch']} channels; Adam instead of a falling step size; ours is a "
        "share of 200 WMMSE iterations from regularised zero forcing, the published one of the best of 30 starts; the published rates "
        "need 4 to 6 dB less than 20 dB in our definition",
    }


def _share(card):
    rows = Card.read(card).results["rows"]
    return sum(row["fraction_of_wmmse"] for row in rows) / len(rows)


def _train(name, network, changes, minutes, folder, logs, rate, console):
    options = [f"--{key.replace('_', '-')}={value}" for key, value in {**changes, **({"learning_rate": rate} if rate else {})}.items()]
    console.print(f"training {name} for {minutes:g} min")
    command = [
        sys.executable,
        "-m",
        "flowgraphs",
        "train",
        "--network",
        network.removesuffix("-mimo"),
        *options,
        "--name",
        name,
        "--minutes",
        str(minutes),
        "--folder",
        str(folder),
        "--logs",
        str(logs),
        "--blocks",
        "300",
        "--force",
        "--quiet",
    ]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or str(done.returncode)).splitlines()[-1]
        raise ValueError(f"training of {name} failed: {reason}")
