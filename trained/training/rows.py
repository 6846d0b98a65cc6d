"""A CSV file of what a run measures, which a resumed run goes on with."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

COLUMNS = ("step", "minutes", "loss", "of_wmmse")


class RowsLogger(Logger):
    """Appends to FILE a row for everything that is logged; rows beyond `step`, of a run that was stopped, are cut off first."""

    def __init__(self, file: Path, step: int):
        super().__init__()
        self.file = file
        kept: list[dict[str, str]] = []
        if step and file.is_file():
            with file.open(newline="") as stream:
                kept = [row for row in csv.DictReader(stream) if row.get("step", "").isdigit() and int(row["step"]) <= step]
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Settings lie beside, in settings.json."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        with self.file.open("a", newline="") as stream:
            csv.DictWriter(stream, COLUMNS, extrasaction="ignore").writerow({"step": step, **metrics})
