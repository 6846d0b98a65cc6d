"""Rate of calibration weights against perfect-CSI WMMSE on positions that they never saw: python -m trained.evaluation.evaluate --help."""

from __future__ import annotations

import json as json_format
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from sim.estimation import estimate, least_squares_matrix
from sim.noise import Stream, complex_normal
from sim.precoding import zero_forcing
from sim.rate import sum_rate
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from sim.world.path_table import PathTable
from sim.world.rayleigh import RayleighScenario
from sim.world.room import Room
from sim.world.scenario import Scenario
from sim.world.tracer import trace
from trained.evaluation.statistics import half_width, share
from trained.networks.network import CalibrationNetwork
from trained.store import load_network
from trained.training.rayleigh import RayleighReference

_FRAME = 64
REFERENCE_ITERATIONS = 200
USERS = (2, 4, 8, 10, 16)
ANTENNAS = (16, 32, 64, 128)


@dataclass(frozen=True)
class Reference:
    """Test channels of one scenario with what every method is compared to.

    h_ul (B, M, K), h_dl (B, K, M): the true channels; wmmse_rate (B,): bit/s/Hz.
    """

    scenario: Scenario
    h_ul: np.ndarray
    h_dl: np.ndarray
    wmmse_rate: np.ndarray

    @classmethod
    def of(cls, scenario: Scenario, blocks: int) -> Reference:
        """Blocks 0 ... blocks-1, L = K, and WMMSE on perfect CSI."""
        scenario = replace(scenario, pilots=None)
        reference = cls(scenario, *scenario.channels(range(blocks)), np.empty(0))
        v = wmmse(reference.true_channel, scenario.downlink_power, scenario.noise_power, REFERENCE_ITERATIONS)
        return replace(reference, wmmse_rate=reference.rate(v))

    def received(self, pilots: np.ndarray) -> np.ndarray:
        """(B, M, L) received pilots with the noise of the streamed link, for a pilot matrix (K, L)."""
        s, shape = self.scenario, (self.scenario.antennas, pilots.shape[1])
        return self.h_ul @ pilots + complex_normal(s.seed, Stream.UPLINK_NOISE, range(len(self.h_ul)), shape, s.noise_power)

    @property
    def h_est(self) -> np.ndarray:
        """(B, M, K) least-squares estimates of the uplink with DFT pilots."""
        pilots = self.scenario.pilot_matrix()
        return estimate(self.received(pilots), least_squares_matrix(pilots))

    @property
    def true_channel(self) -> np.ndarray:
        """(B, M, K), column k is user k's downlink channel."""
        return np.ascontiguousarray(self.h_dl.conj().swapaxes(1, 2))

    def rate(self, v: np.ndarray) -> np.ndarray:
        """(B,) sum rate of precoders v (B, M, K)."""
        return sum_rate(self.h_dl @ v, self.scenario.noise_power)

    @torch.inference_mode()
    def rate_of(self, network: CalibrationNetwork) -> np.ndarray:
        """(B,) sum rate of a network with its pilots and its precoder."""
        network.eval()
        s, device = self.scenario, next(network.parameters()).device
        heard = self._heard_by(network, device)
        precoders = []
        for start in range(0, len(heard), _FRAME):
            x = torch.from_numpy(heard[start : start + _FRAME]).to(device)
            h, *powers = (t.cpu().numpy() for t in network(x, estimate_noise(s), s.downlink_power, s.noise_power))
            precoders.append(
                h
                if network.precoder == "own"
                else zero_forcing(h, s.downlink_power)
                if network.precoder == "zf"
                else structured_precoder(h, powers[0], powers[1], s.noise_power)
            )
        return self.rate(np.concatenate(precoders))

    def _heard_by(self, network, device):
        if network.csi == "perfect":
            return self.true_channel
        pilots = network.unit_pilots(self.scenario.users).cpu().numpy() * np.float32(self.scenario.uplink_power**0.5)
        y = self.received(pilots)
        if network.csi == "received":
            return y
        if network.calibrates_received:
            frames = np.split(y, range(_FRAME, len(y), _FRAME))
            y = np.concatenate([network.received(torch.from_numpy(frame).to(device)).cpu().numpy() for frame in frames])
        return estimate(y, least_squares_matrix(pilots))

    def shares_of_zero_forcing(self) -> dict[str, float | None]:
        """Shares of WMMSE that zero forcing reaches, with perfect CSI and on the least-squares estimate of the uplink."""
        power, bound = self.scenario.downlink_power, self.wmmse_rate.mean()
        return {
            "zf_perfect_csi": float(self.rate(zero_forcing(self.true_channel, power)).mean() / bound),
            "ls_zf_uplink": float(self.rate(zero_forcing(self.h_est, power)).mean() / bound),
        }


def estimate_noise(scenario: Scenario) -> float:
    """Noise power per entry of a least-squares estimate at orthogonal pilots: sigma^2 / (P_UL L), mW."""
    return scenario.noise_power / (scenario.uplink_power * scenario.pilot_symbols)


def share_of(rate: np.ndarray, reference) -> dict[str, float]:
    """Mean of sum rates (blocks,) as a share of WMMSE's on the same blocks, with its 95 % interval."""
    return dict(zip(("share", "ci95"), share(rate, reference.wmmse_rate), strict=True))


def evaluate(network: CalibrationNetwork, scenario: Scenario, blocks: int = 1000) -> dict:
    """Mean sum rate with its 95 % interval, and fractions of WMMSE (the link's with an interval), on test positions."""
    return row_of(network, Reference.of(scenario, blocks))


def row_of(network: CalibrationNetwork, reference) -> dict:
    """The figures of a network on a reference's channels."""
    rate = reference.rate_of(network)
    of_wmmse = share_of(rate, reference)
    return {
        "antennas": reference.scenario.antennas,
        "users": reference.scenario.users,
        "sum_rate": float(rate.mean()),
        "ci95": half_width(rate),
        "wmmse": float(reference.wmmse_rate.mean()),
        "fraction_of_wmmse": of_wmmse["share"],
        "fraction_ci95": of_wmmse["ci95"],
        **reference.shares_of_zero_forcing(),
    }


def scenarios(antennas: int | None, world, users: tuple[int, ...] = USERS) -> list[Scenario]:
    """The default scenarios for weights made for `antennas` (None: every M of the table), for each K that fits."""
    every = [Scenario(antennas=m, users=1, world=world) for m in (ANTENNAS if antennas is None else (antennas,))]
    return [replace(s, users=k) for s in every for k in users if k <= min(s.antennas, len(s.positions()))]


def off_grid(room: Room, count: int = 4000, seed: int = 0) -> PathTable:
    """Paths of `count` places anywhere in the user areas, between the grid points too."""
    return trace(room, room.random_positions(count, np.random.default_rng(seed)))


def table_of(rows: list[dict], blocks: int, where: str = "positions never trained on") -> Table:
    """The rows of `evaluate` for a terminal."""
    table = Table(title=f"{blocks} blocks on {where}; WMMSE ({REFERENCE_ITERATIONS} iterations) has perfect CSI", title_justify="left")
    for column in ("M", "K", "bit/s/Hz", "95 % interval", "of WMMSE", "95 % interval", "ZF, perfect CSI", "LS + ZF"):
        table.add_column(column, justify="right")
    for r in rows:
        zero_forcing_shares = ("-" if r[name] is None else f"{r[name]:.1%}" for name in ("zf_perfect_csi", "ls_zf_uplink"))
        table.add_row(
            str(r["antennas"]),
            str(r["users"]),
            f"{r['sum_rate']:.2f}",
            f"± {r['ci95']:.2f}",
            f"{r['fraction_of_wmmse']:.2%}",
            f"± {r['fraction_ci95']:.2%}",
            *zero_forcing_shares,
        )
    return table


def _rows_in_the_room(network, antennas, users, blocks, between):
    every = scenarios(antennas, Room(), users)
    if between:
        world = off_grid(Room())
        every = [replace(s, world=world, split="all") for s in every]
    return [evaluate(network, s, blocks) for s in every if network.serves(s.users)]


def main(
    name: Annotated[str, typer.Argument(help="Shipped name or .safetensors file.")],
    blocks: Annotated[int, typer.Option(help="Coherence blocks for each K.")] = 1000,
    users: Annotated[list[int], typer.Option(help="Number of users K; may be given several times.")] = list(USERS),  # noqa: B006
    between: Annotated[
        bool, typer.Option("--off-grid", help="Users anywhere in their areas, instead of the test positions on the 1 cm grid.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the table to this file too.")] = None,
):
    """Print what weights reach in the default scenario for several numbers of users (and antennas, where they serve any)."""
    try:
        if blocks < 2:
            raise ValueError(f"blocks={blocks} has to be at least 2")
        network, card = load_network(name)
        console = Console()
        with console.status("measuring"):
            if "user_antennas" in card["scenario"]:
                where = "Rayleigh channels never trained on"
                rows = [row_of(network, RayleighReference.of(RayleighScenario(**card["scenario"]), blocks))]
            else:
                where = "places off the grid" if between else "positions never trained on"
                rows = _rows_in_the_room(network, card["antennas"], tuple(users), blocks, between)
        if not rows:
            raise ValueError(f"users={', '.join(map(str, users))}: {name} serves none of them")
        console.print(table_of(rows, blocks, where))
        if json is not None:
            json.write_text(json_format.dumps({"weights": name, "blocks": blocks, "off_grid": between, "rows": rows}, indent=2) + "\n")
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
