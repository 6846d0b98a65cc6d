"""What a receiver that goes on says to the one whose frames it cannot use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LONGEST = 64


@dataclass(frozen=True)
class Refusal:
    """run: the `run` tag of the frames, by which their sender knows that it is meant; reason: what does not fit."""

    run: str
    reason: str

    @classmethod
    def of(cls, tags: dict[str, Any], reason: str) -> Refusal | None:
        """The refusal of a frame with these tags; None where they tell no run, so that nobody could be meant."""
        run = tags.get("run")
        return cls(run, reason) if isinstance(run, str) and 0 < len(run) <= _LONGEST else None
