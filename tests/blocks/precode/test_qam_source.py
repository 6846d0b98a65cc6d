"""The example of QAMSource for the contract of blocks."""

from blocks import QAMSource

EXAMPLE = (lambda: QAMSource(4, 9, 64, seed=2), {})
