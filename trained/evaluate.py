"""Rate of a calibration network against perfect-CSI WMMSE, on positions that it never saw."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from sim.noise import Stream, complex_normal
from sim.rate import sum_rate
from sim.scenario import Scenario
from sim.structured import structured_precoder
from sim.wmmse import wmmse

_FRAME = 64
REFERENCE_ITERATIONS = 200


@dataclass(frozen=True)
class Reference:
    """Test channels of one scenario with what every method is compared to."""

    scenario: Scenario
    h_est: np.ndarray
    h_dl: np.ndarray
    wmmse_rate: np.ndarray

    @classmethod
    def of(cls, scenario: Scenario, blocks: int) -> Reference:
        """Blocks 0 ... blocks-1: least-squares estimates at orthogonal pilots (L = K), true channels, WMMSE's sum rates."""
        scenario = replace(scenario, pilots=None)
        index = range(blocks)
        h_ul, h_dl = scenario.channels(index)
        noise = complex_normal(scenario.seed, Stream.UPLINK_NOISE, index, h_ul.shape[1:], estimate_noise(scenario))
        true = h_dl.conj().swapaxes(1, 2)
        v = wmmse(true, scenario.downlink_power, scenario.noise_power, REFERENCE_ITERATIONS)
        return cls(scenario, h_ul + noise, h_dl, sum_rate(h_dl @ v, scenario.noise_power))


def estimate_noise(scenario: Scenario) -> float:
    """Noise power per entry of a least-squares estimate at orthogonal pilots: sigma^2 / (P_UL L), mW."""
    return scenario.noise_power / (scenario.uplink_power * scenario.pilot_symbols)


@torch.inference_mode()
def calibrated_rate(network, reference: Reference) -> np.ndarray:
    """(blocks,) sum rate of the network with the structured precoder, bit/s/Hz."""
    network.eval()
    s = reference.scenario
    rates = []
    for start in range(0, len(reference.h_est), _FRAME):
        part = slice(start, start + _FRAME)
        device = next(network.parameters()).device
        h, p, q = network(torch.from_numpy(reference.h_est[part]).to(device), estimate_noise(s), s.downlink_power, s.noise_power)
        v = structured_precoder(h.cpu().numpy(), p.cpu().numpy(), q.cpu().numpy(), s.noise_power)
        rates.append(sum_rate(reference.h_dl[part] @ v, s.noise_power))
    return np.concatenate(rates)
