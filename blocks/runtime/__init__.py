"""The runtime that moves data between blocks: wiring, sockets, workers, and the wire format."""

from blocks.runtime.block import Block, Signal, read_only
from blocks.runtime.chain import Chain
from blocks.runtime.errors import BlockError, WireError, WiringError
from blocks.runtime.flowgraph import Flowgraph
from blocks.runtime.frame import Frame
from blocks.runtime.run_block import run_block
from blocks.runtime.zmq_ports import ZmqSink, ZmqSource

__all__ = [
    "Block",
    "BlockError",
    "Chain",
    "Flowgraph",
    "Frame",
    "Signal",
    "WireError",
    "WiringError",
    "ZmqSink",
    "ZmqSource",
    "read_only",
    "run_block",
]
