"""Learned calibration of the uplink estimate."""
from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from blocks.runtime import Block, Signal
from sim.checks import positive


class CalibrationMLP(Block):
    """Turns an uplink estimate into the channel and the user powers that the structured precoder should use.

    In:   h_est  (M, K) complex64   least-squares estimate of the uplink; the true downlink channel where card["csi"] is "perfect"
    Out:  h_est  (M, K) complex64   calibrated channel, one column per user
          p      (K,)   float32     downlink powers, mW, summing to `power`
          q      (K,)   float32     virtual uplink powers, mW

    weights: a shipped name or a .safetensors file with its card; estimate_noise: noise power per entry of the estimate;
    power, noise_power: of the downlink, mW; antennas: checked against the card. device: "cpu" or "cuda".
    Raises FileNotFoundError for unknown weights; ValueError for weights made for another number of antennas, a power <= 0 or
    a device that is not there.
    """

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"h_est": Signal("M", "K"), "p": Signal("K", dtype="float32"), "q": Signal("K", dtype="float32")}
    takes_tensors = True

    def __init__(self, weights: str, estimate_noise: float, power: float, noise_power: float, antennas: int | None = None,
                 device: str = "cpu"):
        from trained.device import usable_device
        from trained.weights import check_antennas, find_weights, load_card

        self.weights = find_weights(weights, antennas)
        self.card = load_card(self.weights)
        self.antennas = check_antennas(self.card, self.weights, antennas)
        self.estimate_noise = positive("estimate_noise", estimate_noise)
        self.power, self.noise_power = positive("power", power), positive("noise_power", noise_power)
        self.device = str(usable_device(device))

    def dims(self):
        return {} if self.antennas is None else {"M": self.antennas}

    def trained_in(self, world) -> bool:
        """True where the weights were made in this world (a Room, or DeepMIMO folders)."""
        return self.card["scenario"].get("world") == json.loads(json.dumps(asdict(world)))

    def start(self):
        from trained.weights import load_network

        self.network = load_network(str(self.weights))[0].to(self.device)
        self.work(np.ones((1, self.antennas or 1, 1), np.complex64))

    def stop(self):
        self.__dict__.pop("network", None)

    def work(self, h_est):
        import torch

        with torch.inference_mode():
            h = h_est.to(self.device) if torch.is_tensor(h_est) else torch.tensor(h_est, device=self.device)
            h, p, q = self.network(h, self.estimate_noise, self.power, self.noise_power)
        return {"h_est": h, "p": p, "q": q}
