"""What the link shows while it runs."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.live import Live
from rich.table import Table

from blocks import Flowgraph

_EVERY_S = 0.25
_PLAIN_EVERY_S = 5.0


class LinkScreen:
    """A live display on a terminal, plain lines elsewhere, nothing where quiet."""

    def __init__(self, quiet: bool):
        self.console = Console(quiet=quiet, highlight=False)
        self.terminal = self.console.is_terminal and not quiet
        self.interrupted = False

    @contextmanager
    def task(self, text: str):
        """Show a spinner while something takes its time; without a terminal, a line when it took long."""
        began = time.monotonic()
        with self.console.status(text) if self.terminal else nullcontext():
            yield
        if time.monotonic() - began > 2:
            self.console.print(f"{text}: {time.monotonic() - began:.1f} s")

    def note(self, text: str) -> None:
        """Tell something that the user should know."""
        self.console.print(f"note: {text}", soft_wrap=True)

    def stream(self, fg: Flowgraph, streaming: dict, what: str) -> dict[str, dict]:
        """Run a flowgraph with a live table, or a line now and then where there is no terminal; {block: its result}.

        After Ctrl-C the results of what was done by then, and `interrupted` is True. Raises BlockError where a block failed.
        """
        printed = time.monotonic()
        with (
            Live(console=self.console, transient=True, auto_refresh=False) if self.terminal else nullcontext() as live,
            fg.start(**streaming),
        ):
            try:
                while not fg.ended(_EVERY_S):
                    if live is not None:
                        live.update(_progress(fg, streaming["blocks"], what), refresh=True)
                    elif time.monotonic() - printed > _PLAIN_EVERY_S:
                        printed = time.monotonic()
                        self.console.print(_line(fg, streaming["blocks"], what))
            except KeyboardInterrupt:
                self.interrupted = True
                fg.stop()
            return fg.wait()


def _progress(fg, blocks, what):
    elapsed = max(fg.elapsed_s, 1e-9)
    metrics = fg.metrics()
    done = min((m.get("blocks", 0) for m in metrics.values()), default=0)
    table = Table(
        title=f"{what}: {done}/{blocks} blocks, {done / elapsed:,.0f} blocks/s" if fg.elapsed_s else f"{what}: starting",
        title_justify="left",
    )
    for column in ("block", "blocks", "busy", "queue", "rate"):
        table.add_column(column, justify="left" if column == "block" else "right")
    for name, m in metrics.items():
        rate = m.get("report", {}).get("sum_rate")
        table.add_row(
            name,
            str(m.get("blocks", 0)),
            f"{min(1.0, m.get('busy_s', 0.0) / elapsed):.0%}",
            str(m.get("queue", 0)),
            "" if rate is None else f"{rate:.2f}",
        )
    return table


def _line(fg, blocks, what):
    metrics = fg.metrics()
    done = min((m.get("blocks", 0) for m in metrics.values()), default=0)
    rates = [m["report"]["sum_rate"] for m in metrics.values() if "sum_rate" in m.get("report", {})]
    speed = f"{done / max(fg.elapsed_s, 1e-9):,.0f} blocks/s"
    return f"{what}: {done}/{blocks} blocks, {speed}" + (f", {rates[0]:.2f} bit/s/Hz" if rates else "")
