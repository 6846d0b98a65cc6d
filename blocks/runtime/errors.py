"""What can go wrong between blocks."""


class WiringError(ValueError):
    """A connection that cannot work; the message names both ends. Raised before anything starts."""


class WireError(ValueError):
    """A message that is not calibeam's wire format; the message says in what."""


class BlockError(RuntimeError):
    """A block, an edge or a worker failed while the flowgraph ran.

    block: the block's name; where: "file:line" of its first connection; phase: start, receive, work, send or stop; index:
    the coherence blocks at hand as (first, last), or None; details: the original traceback.
    """

    def __init__(self, block: str, where: str, phase: str, index: tuple[int, int] | None, reason: str, details: str = ""):
        self.block, self.where, self.phase, self.index, self.reason, self.details = block, where, phase, index, reason, details
        blocks = f" at blocks {index[0]}..{index[1]}" if index else ""
        text = f"{block} (wired at {where}) failed in {phase}{blocks}: {reason}"
        super().__init__(f"{text}\n{details}" if details else text)
