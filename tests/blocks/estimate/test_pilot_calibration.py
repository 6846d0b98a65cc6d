"""The example of PilotCalibration for the contract of blocks."""

import tempfile
from pathlib import Path

from blocks import PilotCalibration
from tests.blocks.link_data import H
from tests.support import paper_weights

WEIGHTS = str(paper_weights(Path(tempfile.mkdtemp()), "journal"))
EXAMPLE = (lambda: PilotCalibration(WEIGHTS, 64), {"y": H})
