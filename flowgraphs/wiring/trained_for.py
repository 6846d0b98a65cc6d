"""What a base station's calibration was trained for, and how far a link is from it."""

from __future__ import annotations

from blocks.learned_block import LearnedBlock
from sim.world.room import Room
from sim.world.scenario import Scenario

ROOM_CHANNELS_DB = (-92.0, -82.5, -76.0)
"""Gain of the weakest user's channel, the mean, and the strongest, in the built-in room at its loss of 30 dB."""

ROOM_SPREAD_DB = 1.2
"""Standard deviation of the gains of 8 or more users in the built-in room that fewer than 1 in 100 coherence blocks fall below."""


def known_channels(calibration: str, learned: LearnedBlock | None) -> dict:
    """Arguments `channels_db` and `spread_db` of PilotMonitor; none where the calibration knows no channels, or others than the room's."""
    in_room = calibration == "fingerprint" or (learned is not None and learned.trained_in(Room()))
    return {"channels_db": ROOM_CHANNELS_DB, "spread_db": ROOM_SPREAD_DB} if in_room else {}


def outside_of_training(learned: LearnedBlock | None, s: Scenario, user_noise_dbm: float) -> list[str]:
    """A sentence for every setting of the link that lies outside of what the weights were trained for."""
    if learned is None or not learned.trained_in(Room()):
        return []
    card, name = learned.card, learned.weights.stem
    training, noise_dbm = card.training, card.scenario["noise_dbm"]
    found = []
    if s.users not in card.users:
        found.append(f"--users {s.users}: {name} was trained for {card.users[0]} ... {card.users[-1]} users")
    for option, power_dbm, noise_option, at_dbm, trained in (
        ("--uplink-power-dbm", s.uplink_power_dbm, "--noise-dbm", s.noise_dbm, training["uplink_powers_dbm"]),
        ("--downlink-power-dbm", s.downlink_power_dbm, "--user-noise-dbm", user_noise_dbm, training["downlink_powers_dbm"]),
    ):
        low, high = (power - noise_dbm for power in trained)
        if not low <= power_dbm - at_dbm <= high:
            found.append(
                f"{option} {power_dbm:g} is {power_dbm - at_dbm:.0f} dB above {noise_option} {at_dbm:g}: "
                f"{name} was trained for {low:.0f} ... {high:.0f} dB"
            )
    return found
