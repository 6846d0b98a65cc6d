"""Test channels of one scenario, what WMMSE reaches on them, and what a network does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sim.estimation import estimate, least_squares_matrix
from sim.noise import Stream, complex_normal
from sim.precoding import zero_forcing
from sim.rate import effective_channel, sum_rate
from sim.structured import structured_precoder
from sim.wmmse import wmmse
from sim.world.scenario import Scenario
from trained.networks import Gives, Hears, Network

_FRAME = 64
REFERENCE_ITERATIONS = 200


@dataclass(frozen=True)
class Reference:
    """Coherence blocks 0 ... B-1 of a scenario with what every method is compared to.

    h_dl (B, K, M), or (B, K, N, M) of users with several antennas; wmmse_rate (B,): of WMMSE with perfect CSI, bit/s/Hz.
    """

    scenario: Scenario
    h_dl: np.ndarray
    wmmse_rate: np.ndarray

    @classmethod
    def of(cls, scenario: Scenario, blocks: int) -> Reference:
        """The scenario with L = K, and WMMSE, which starts at regularised zero forcing."""
        s = replace(scenario, pilots=None)
        reference = cls(s, s.downlink(range(blocks)), np.empty(0))
        power, noise = s.downlink_power, s.noise_power
        h, streams = (reference.true_channel, None) if reference.single else (reference.h_dl, s.user_streams)
        return replace(reference, wmmse_rate=reference.rate(wmmse(h, power, noise, REFERENCE_ITERATIONS, streams=streams)))

    @property
    def single(self) -> bool:
        """Whether users have one antenna."""
        return self.h_dl.ndim == 3

    @property
    def true_channel(self) -> np.ndarray:
        """(B, M, K), column k is user k's downlink channel."""
        return np.ascontiguousarray(self.h_dl.conj().swapaxes(1, 2))

    def received(self, pilots: np.ndarray) -> np.ndarray:
        """(B, M, L) received pilots with the noise of the streamed link, for a pilot matrix (K, L)."""
        s, index = self.scenario, range(len(self.h_dl))
        noise = complex_normal(s.seed, Stream.UPLINK_NOISE, index, (s.antennas, pilots.shape[1]), s.noise_power)
        return s.uplink(index) @ pilots + noise

    def rate(self, v: np.ndarray) -> np.ndarray:
        """(B,) sum rate of precoders v (B, M, K), or (B, K, M, d)."""
        return sum_rate(effective_channel(self.h_dl, v), self.scenario.noise_power)

    @torch.inference_mode()
    def rate_of(self, network: Network) -> np.ndarray:
        """(B,) sum rate of a network with its pilots and its precoder."""
        network.eval()
        s = self.scenario
        if not self.single:
            return self.rate(mimo_precoders(network, self.h_dl, s.downlink_power, s.noise_power))
        noise = s.noise_power / (s.uplink_power * s.pilot_symbols)

        def precoders(heard: Tensor) -> np.ndarray:
            h, *powers = (t.cpu().numpy() for t in network(heard, noise, s.downlink_power, s.noise_power))
            if network.gives is Gives.PRECODER:
                return h
            if network.gives is Gives.CHANNEL:
                return zero_forcing(h, s.downlink_power)
            return structured_precoder(h, powers[0], powers[1], s.noise_power)

        return self.rate(_in_frames(network, precoders, self._heard_by(network)))

    def shares_of_zero_forcing(self) -> dict[str, float | None]:
        """Shares of WMMSE that zero forcing reaches, with perfect CSI and on the least-squares estimate of the uplink.

        For users with several antennas the start of WMMSE, regularised zero forcing, and None.
        """
        s, bound = self.scenario, self.wmmse_rate.mean()
        if not self.single:
            start = self.rate(wmmse(self.h_dl, s.downlink_power, s.noise_power, 0, streams=s.user_streams))
            return {"zf_perfect_csi": float(start.mean() / bound), "ls_zf_uplink": None}
        pilots = s.pilot_matrix()
        h_est = estimate(self.received(pilots), least_squares_matrix(pilots))
        channels = {"zf_perfect_csi": self.true_channel, "ls_zf_uplink": h_est}
        return {name: float(self.rate(zero_forcing(h, s.downlink_power)).mean() / bound) for name, h in channels.items()}

    def _heard_by(self, network):
        if network.hears is Hears.CHANNEL:
            return self.true_channel
        pilots = network.unit_pilots(self.scenario.users).cpu().numpy() * np.float32(self.scenario.uplink_power**0.5)
        y = self.received(pilots)
        if network.hears is Hears.RECEIVED:
            return y
        if network.calibrates_received():
            y = _in_frames(network, lambda part: network.received(part).cpu().numpy(), y)
        return estimate(y, least_squares_matrix(pilots))


@torch.inference_mode()
def mimo_precoders(network: Network, h: np.ndarray, power: float, noise_power: float) -> np.ndarray:
    """V (B, K, M, d) complex64 of `power` mW for channels h (B, K, N, M) of users with several antennas."""
    network.eval()
    scale = (power / noise_power) ** 0.5
    v = _in_frames(network, lambda part: network.precoders(part * scale).cpu().numpy(), h)  # type: ignore[operator]
    return v * np.float32(power**0.5)


def _in_frames(network: Network, made: Callable[[Tensor], np.ndarray], x: np.ndarray) -> np.ndarray:
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    return np.concatenate([made(torch.tensor(x[n : n + _FRAME]).to(device)) for n in range(0, len(x), _FRAME)])
