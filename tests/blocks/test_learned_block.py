"""Which engine computes a learned block, and what it costs to have one."""

import pytest

from blocks import Chain, Flowgraph, NeuralCalibration, StructuredPrecoder
from tests.blocks.link_data import H, N, P
from tests.program import finished
from tests.streams import ArraySource, Collect

NETWORKS_ON_THE_CPU = [("calibrated", "numba"), ("calibrated-perfect", "numba"), ("channel-mapping", "torch")]


@pytest.mark.parametrize(("weights", "engine"), NETWORKS_ON_THE_CPU)
def test_metrics_tell_what_computes(weights, engine):
    fg = Flowgraph()
    fg.connect(ArraySource(h_est=H), NeuralCalibration(weights, N, P, N, 64), Collect())
    fg.run(blocks=4)
    assert fg.metrics()["NeuralCalibration"]["report"]["engine"] == engine


def test_a_twin_takes_what_a_network_in_torch_hands_on():
    chain = Chain(NeuralCalibration("channel-mapping", N, P, N, 64), NeuralCalibration("calibrated", N, P, N, 64), StructuredPrecoder(P, N))
    fg = Flowgraph()
    fg.connect(ArraySource(h_est=H), chain, Collect())
    assert fg.run(blocks=4)["Collect"]["arrays"]["v"].shape == (4, 64, 4)


@pytest.mark.parametrize("calibration", ["calibrated", "calibrated-perfect", "none"])
def test_the_link_runs_without_torch(calibration):
    code = f"""
import sys
from flowgraphs.__main__ import main
sys.argv = ["calibeam", "--blocks", "2", "--no-compare", "--quiet", "--calibration", "{calibration}"]
try:
    main()
except SystemExit as end:
    print(end.code, "torch" in sys.modules)
"""
    done = finished("-c", code)
    assert done.stdout == "0 False\n", done.stderr


def test_small_frames_wake_no_thread_pool():
    code = """
import time
import numpy as np
from blocks import NeuralCalibration, StructuredPrecoder
h = np.full((2, 64, 8), 1e-5, np.complex64)
h.imag = np.random.default_rng(0).standard_normal(h.shape) * 1e-5
calibrate, precode = NeuralCalibration("calibrated", 1e-12, 3.0, 3e-9, 64), StructuredPrecoder(3.0, 3e-9)
calibrate.start(), precode.start()
precode.work(**calibrate.work(h))
others = time.process_time() - time.thread_time()
for _ in range(500):
    precode.work(**calibrate.work(h))
print(time.process_time() - time.thread_time() - others)
"""
    done = finished("-c", code)
    assert abs(float(done.stdout)) < 0.01, done.stdout + done.stderr
