"""Uplink-to-downlink channel mapping: the learned stage of the block-by-block receiver that calibration is compared to."""

from __future__ import annotations

from dataclasses import dataclass

from trained.networks import Hears, network
from trained.networks.paper_journal_perfect import PaperJournalPerfect


@network("channel-mapping", title="LS + channel mapping + ZF")
class ChannelMapping(PaperJournalPerfect):
    """A user-shared MLP, trained by mean squared error, maps the least-squares uplink estimate to the downlink channel for zero forcing.

    Source: Ma et al. 2021, Table I, block 2; Alrabeiah, Alkhateeb, Asilomar 2019.
    """

    hears = Hears.ESTIMATE
    recipe = {}

    @dataclass(frozen=True)
    class Config:
        """widths: of the hidden layers."""

        widths: tuple[int, ...] = (512, 512, 512)

    def loss(self, drop, noise_power, progress):
        error = self(drop.heard, drop.estimate_noise, drop.power, noise_power)[0] - drop.h_dl.mH
        return (error.real**2 + error.imag**2).mean() / self.users.scale**2
