"""Watching a training run: its rate against WMMSE on validation positions, progress on the screen, checkpoints, the end of its time."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from trained.evaluation.reference import Reference

_CHECKS = 25
_LOGGED_EVERY = 20
_BLOCKS = 200


class Watch(lightning.Callback):
    """Measures, logs and keeps a checkpoint some 25 times in a run, and stops it when its budget is used up or at Ctrl-C.

    The first Ctrl-C lets a step of a run of one process end and keeps a checkpoint; the second one, or that of several
    processes, leaves the last checkpoint.
    """

    def __init__(self, checkpoint: Path, console: Console):
        self.checkpoint, self.console, self.interrupted = checkpoint, console, False
        self.before: Any = None
        self.bar = Progress(
            BarColumn(),
            TextColumn("step {task.fields[step]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def on_fit_start(self, trainer, training):
        if trainer.is_global_zero:
            s = training.settings
            self.reference = Reference.of(s.scenario("validation", s.watched_users()), _BLOCKS)
            self.bar.start()
            self.task = self.bar.add_task("", total=1.0, step=training.steps_done, rate="")

        if trainer.world_size == 1:
            self.before = signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number, frame):
        self.interrupted = True
        signal.signal(signal.SIGINT, self.before)

    def on_train_start(self, trainer, training):
        if not training.curve:
            self._log(trainer, training, self._measure(trainer, training))
        if training.progress >= 1:  # gone on with after its last step
            trainer.should_stop = True

    def on_train_batch_end(self, trainer, training, outputs, batch, batch_idx):
        due = training.progress >= len(training.curve) / _CHECKS
        measured = self._measure(trainer, training) if due else {}
        if due or training.steps_done % _LOGGED_EVERY == 0:
            self._log(trainer, training, {"loss": float(outputs["loss"]), **measured})
        if due:
            self.keep(trainer)
        if trainer.is_global_zero:
            self.bar.update(self.task, completed=training.progress, step=training.steps_done)
        if self.interrupted:
            self.keep(trainer)
        if self.interrupted or training.progress >= 1:
            trainer.should_stop = True

    def keep(self, trainer) -> None:
        """Write the checkpoint; on every process of the run."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(self.checkpoint)

    def close(self) -> None:
        """Give the terminal and Ctrl-C back; when Lightning is done, which restores the handlers that it met."""
        self.bar.stop()
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def _measure(self, trainer, training) -> dict[str, float]:
        """Add a point to the curve; its rate as it is logged. One that cannot be measured has the reason in its place."""
        point: dict[str, Any] = {"minutes": training.seconds / 60, "step": training.steps_done}
        if trainer.is_global_zero:
            try:
                point["of_wmmse"] = float(self.reference.rate_of(training.network).mean() / self.reference.wmmse_rate.mean())
                text = f"K={self.reference.scenario.users} rate {point['of_wmmse']:.1%} of WMMSE"
            except (ValueError, RuntimeError, ArithmeticError) as error:
                text = point["failed"] = f"not measured: {(str(error) or type(error).__name__).splitlines()[0]}"
            training.network.train()
            self.bar.update(self.task, rate=text)
            if not self.console.is_terminal:
                self.console.print(f"step {training.steps_done}  {point['minutes']:.1f} min  {text}")
        training.curve.append(point)
        return {name: value for name, value in point.items() if name == "of_wmmse"}

    def _log(self, trainer, training, row: dict[str, float]) -> None:
        for logger in trainer.loggers:
            logger.log_metrics({"minutes": training.seconds / 60, **row}, step=training.steps_done)

    def baselines(self) -> dict[str, float | None]:
        """Shares of WMMSE that do not move: zero forcing with perfect CSI and on the uplink estimate, on the same blocks."""
        return self.reference.shares_of_zero_forcing()
