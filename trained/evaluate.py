"""Rate of calibration weights against perfect-CSI WMMSE on positions that they never saw: python -m trained.evaluate --help."""
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
from sim.scenario import Scenario
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from trained.weights import load_network

_FRAME = 64
REFERENCE_ITERATIONS = 200
USERS = (2, 4, 8, 10, 16)
ANTENNAS = (16, 32, 64, 128)


@dataclass(frozen=True)
class Reference:
    """Test channels of one scenario with what every method is compared to.

    h_est (B, M, K): least-squares estimates of the uplink; h_dl (B, K, M): true downlink; wmmse_rate (B,): bit/s/Hz.
    """

    scenario: Scenario
    h_est: np.ndarray
    h_dl: np.ndarray
    wmmse_rate: np.ndarray

    @classmethod
    def of(cls, scenario: Scenario, blocks: int) -> Reference:
        """Blocks 0 ... blocks-1, with orthogonal pilots (L = K), the noise of the streamed link, and WMMSE on perfect CSI."""
        scenario = replace(scenario, pilots=None)
        index, pilots = range(blocks), scenario.pilot_matrix()
        h_ul, h_dl = scenario.channels(index)
        received = (scenario.antennas, scenario.pilot_symbols)
        y = h_ul @ pilots + complex_normal(scenario.seed, Stream.UPLINK_NOISE, index, received, scenario.noise_power)
        reference = cls(scenario, estimate(y, least_squares_matrix(pilots)), h_dl, np.empty(0))
        v = wmmse(reference.true_channel, scenario.downlink_power, scenario.noise_power, REFERENCE_ITERATIONS)
        return replace(reference, wmmse_rate=reference.rate(v))

    @property
    def true_channel(self) -> np.ndarray:
        """(B, M, K), column k is user k's downlink channel."""
        return np.ascontiguousarray(self.h_dl.conj().swapaxes(1, 2))

    def rate(self, v: np.ndarray) -> np.ndarray:
        """(B,) sum rate of precoders v (B, M, K)."""
        return sum_rate(self.h_dl @ v, self.scenario.noise_power)


def estimate_noise(scenario: Scenario) -> float:
    """Noise power per entry of a least-squares estimate at orthogonal pilots: sigma^2 / (P_UL L), mW."""
    return scenario.noise_power / (scenario.uplink_power * scenario.pilot_symbols)


@torch.inference_mode()
def calibrated_rate(network, reference: Reference, csi: str = "pilots") -> np.ndarray:
    """(blocks,) sum rate of the network with the structured precoder, bit/s/Hz; csi: what it hears, "pilots" or "perfect"."""
    network.eval()
    s, device = reference.scenario, next(network.parameters()).device
    heard = reference.h_est if csi == "pilots" else reference.true_channel
    precoders = []
    for start in range(0, len(heard), _FRAME):
        x = torch.from_numpy(heard[start:start + _FRAME]).to(device)
        h, p, q = (t.cpu().numpy() for t in network(x, estimate_noise(s), s.downlink_power, s.noise_power))
        precoders.append(structured_precoder(h, p, q, s.noise_power))
    return reference.rate(np.concatenate(precoders))


def evaluate(network, csi: str, scenario: Scenario, blocks: int = 1000) -> dict:
    """Mean sum rate with its 95 % interval, and fractions of WMMSE (the link's with an interval), on test positions."""
    reference = Reference.of(scenario, blocks)
    rate, bound = calibrated_rate(network, reference, csi), reference.wmmse_rate
    power = scenario.downlink_power
    fraction = rate.mean() / bound.mean()
    return {"antennas": scenario.antennas, "users": scenario.users, "sum_rate": float(rate.mean()), "ci95": _ci95(rate),
            "wmmse": float(bound.mean()), "fraction_of_wmmse": float(fraction),
            "fraction_ci95": _ci95(rate - fraction * bound) / float(bound.mean()),
            "zf_perfect_csi": float(reference.rate(zero_forcing(reference.true_channel, power)).mean() / bound.mean()),
            "ls_zf_uplink": float(reference.rate(zero_forcing(reference.h_est, power)).mean() / bound.mean())}


def scenarios(antennas: int | None, world, users: tuple[int, ...] = USERS) -> list[Scenario]:
    """The default scenarios for weights made for `antennas` (None: every M of the table), for each K that fits."""
    every = [Scenario(antennas=m, users=1, world=world) for m in (ANTENNAS if antennas is None else (antennas,))]
    return [replace(s, users=k) for s in every for k in users if k <= min(s.antennas, len(s.positions()))]


def table_of(rows: list[dict], blocks: int) -> Table:
    """The rows of `evaluate` for a terminal."""
    table = Table(title=f"{blocks} blocks on positions never trained on; WMMSE ({REFERENCE_ITERATIONS} iterations) has perfect CSI",
                  title_justify="left")
    for column in ("M", "K", "bit/s/Hz", "95 % interval", "of WMMSE", "95 % interval", "ZF, perfect CSI", "LS + ZF"):
        table.add_column(column, justify="right")
    for r in rows:
        table.add_row(str(r["antennas"]), str(r["users"]), f"{r['sum_rate']:.2f}", f"± {r['ci95']:.2f}", f"{r['fraction_of_wmmse']:.2%}",
                      f"± {r['fraction_ci95']:.2%}", f"{r['zf_perfect_csi']:.1%}", f"{r['ls_zf_uplink']:.1%}")
    return table


def _ci95(values):
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def main(name: Annotated[str, typer.Argument(help="Shipped name or .safetensors file.")],
         blocks: Annotated[int, typer.Option(help="Coherence blocks for each K.")] = 1000,
         json: Annotated[Path | None, typer.Option(help="Write the table to this file too.")] = None):
    """Print what weights reach in the default scenario for several numbers of users (and antennas, where they serve any)."""
    try:
        if blocks < 2:
            raise ValueError(f"blocks={blocks} has to be at least 2")
        network, card = load_network(name)
        console = Console()
        with console.status("measuring"):
            rows = [evaluate(network, card["csi"], s, blocks) for s in scenarios(card["antennas"], Scenario().world)]
        console.print(table_of(rows, blocks))
        if json is not None:
            json.write_text(json_format.dumps({"weights": name, "blocks": blocks, "rows": rows}, indent=2) + "\n")
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
