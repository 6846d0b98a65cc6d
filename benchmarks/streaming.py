"""What streaming costs: python benchmarks/streaming.py.

The same blocks run as a flowgraph (one thread per block) and in a plain loop that calls them one after the other; both in
this run, in turns. The cost of a hop is what a pass-through block adds to the time per frame.
"""

import statistics
import time

import numpy as np

from blocks import Block, Flowgraph, Signal
from flowgraphs.fdd_e2e import wire
from sim.world.scenario import Scenario

ROUNDS = 5


class Pass(Block):
    inputs = {"x": Signal("N", dtype="float32")}
    outputs = {"x": Signal("N", dtype="float32")}

    def work(self, x):
        return x


class Zeros(Block):
    outputs = {"x": Signal(64, dtype="float32")}

    def work(self, index):
        return np.zeros((len(index), 64), np.float32)


class Drop(Block):
    inputs = {"x": Signal("N", dtype="float32")}

    def work(self, x):
        pass


def streamed(fg, blocks, batch, **arguments):
    fg.run(blocks=blocks, batch=batch, **arguments)
    return fg.elapsed_s


def looped(fg, blocks, batch):
    """The flowgraph's blocks, called in order by a plain loop."""
    for block in fg.nodes:
        block.start()
    began = time.monotonic()
    for start in range(0, blocks, batch):
        index, arrays, tags = range(start, min(start + batch, blocks)), {}, {}
        for block in fg.nodes:
            arrays = block.process(index, {into: np.asarray(arrays[out]) for _, out, target, into in fg.links if target is block}, tags)
    seconds = time.monotonic() - began
    for block in fg.nodes:
        block.stop()
    return seconds


def compare(title, fg, blocks, batch):
    ratios, rates = [], []
    for _ in range(ROUNDS):
        loop, stream = looped(fg, blocks, batch), streamed(fg, blocks, batch)
        ratios.append(loop / stream)
        rates.append(blocks / stream)
    print(
        f"  {title:<34}batch {batch:>3}  {statistics.median(rates):>9,.0f} blocks/s   {statistics.median(ratios):5.2f} x the plain loop "
        f"({min(ratios):.2f} ... {max(ratios):.2f})"
    )


def cost_per_hop(frames, **arguments):
    seconds = {}
    for hops in (0, 6):
        fg = Flowgraph()
        fg.connect(Zeros(), *(Pass() for _ in range(hops)), Drop())
        seconds[hops] = statistics.median(streamed(fg, frames, 1, **arguments) for _ in range(ROUNDS))
    return (seconds[6] - seconds[0]) / 6 / frames


def main():
    scenario = Scenario()
    scenario.prepare()
    print(f"flowgraph throughput over a plain loop of the same functions, median of {ROUNDS}")
    for title, arguments, blocks in (
        ("LS + ZF", ("ls", "none", "zf", "cpu"), 4000),
        ("LS + calibration + structured", ("ls", "calibrated", "calibrated", "cpu"), 1500),
    ):
        fg = wire(scenario, *arguments)
        for batch in (64, 256):
            compare(title, fg, blocks, batch)
    print("cost of a hop at batch 1 (threads share one interpreter; hops run side by side where there are cores)")
    for arguments in ({"transport": "inproc"}, {"transport": "ipc"}, {"transport": "tcp"}, {"transport": "ipc", "workers": "process"}):
        print(f"  {arguments}: {1e6 * cost_per_hop(3000, **arguments):.0f} microseconds")


if __name__ == "__main__":
    main()
