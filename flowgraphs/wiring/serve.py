"""Running a flowgraph that has no end, with a line that tells how it goes."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import nullcontext

from rich.console import Console
from rich.live import Live
from rich.text import Text

from blocks import Flowgraph

_EVERY_S = 0.5
_PLAIN_EVERY_S = 10.0
_STUCK_S = 2.0


def serve(fg: Flowgraph, worker: str, console: Console, output: str) -> None:
    """Run until the stream's end, Ctrl-C or SIGTERM; the line counts what the block named `worker` did.

    output: where what it makes is fetched from. Raises BlockError where a block failed.
    """
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _watch(fg, worker, console, output, stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(fg, worker, console, output, stop):
    terminal = console.is_terminal and not console.quiet
    began = looked = printed = moved = time.monotonic()
    done = 0
    with fg.start(), Live(console=console, auto_refresh=False, transient=True) if terminal else nullcontext() as live:
        while not fg.ended(_EVERY_S) and not stop.is_set():
            now, metrics = time.monotonic(), fg.metrics()
            blocks = metrics[worker].get("blocks", 0)
            speed = (blocks - done) / (now - looked)
            moved = now if blocks != done else moved
            looked, done = now, blocks
            status = _status(metrics, worker, f"{speed:,.0f} blocks/s")
            if now - moved > _STUCK_S and any(m.get("queue") for m in metrics.values()):
                status = f"nobody takes the output at {output}; {status}"
            if live is not None:
                live.update(Text(status, overflow="ellipsis", no_wrap=True), refresh=True)
            elif now - printed > _PLAIN_EVERY_S:
                printed = now
                console.print(status, soft_wrap=True)
        if fg.running:
            fg.stop()
        else:
            fg.wait()
    console.print(_status(fg.metrics(), worker, f"{time.monotonic() - began:,.0f} s"), soft_wrap=True)


def _status(metrics, worker, speed):
    """Blocks and bytes so far, what the last burst and the pilots are like, and all that was lost or dropped."""
    report = {key: value for m in metrics.values() for key, value in m.get("report", {}).items()}
    heard = sum(m.get("bytes_out", 0) for m in metrics.values() if not m.get("bytes_in"))
    parts = [f"{metrics[worker].get('blocks', 0):,} blocks", speed, f"{heard / 1e6:,.1f} MB in"]
    if "snr_db" in report:
        parts.append(f"preamble {report.pop('snr_db'):.1f} dB, carrier offset {report.pop('carrier_offset'):.4%}")
    if "channel_db" in report:
        weakest, strongest = report.pop("weakest_snr_db"), report.pop("strongest_snr_db")
        parts.append(f"SNR of users {weakest:.1f} ... {strongest:.1f} dB, channels {report.pop('channel_db'):.1f} dB")
    if "pilot_fit" in report:
        parts.append(f"pilots fit {report.pop('pilot_fit'):.2f}")
    skipped = report.pop("skipped_samples", 0)  # what lies between bursts is no loss
    if "bursts" in report and not report.pop("bursts") and skipped:
        parts.append(f"no burst in {skipped:,} samples")
    parts += [f"{value:,} {name.replace('_', ' ')}" for name, value in report.items() if value and not isinstance(value, str)]
    return ", ".join(parts)
