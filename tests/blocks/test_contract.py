"""One contract for every block: batch, transport, worker, fusion and a split into two programs leave its output alone."""

import functools
import pickle
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

import blocks
from blocks import (
    AWGN,
    BurstSync,
    CalibrationMLP,
    Chain,
    Demod,
    DownlinkChannel,
    FileSink,
    FileSource,
    FingerprintCSI,
    Flowgraph,
    FramesToStream,
    GenieCSI,
    LearnedMIMOPrecoder,
    LearnedPrecoder,
    LMMSEDetector,
    LMMSEEstimator,
    LSEstimator,
    MFDetector,
    MIMORateSink,
    MIMOWMMSEPrecoder,
    MRTPrecoder,
    PilotCalibrationMLP,
    PilotSource,
    Precode,
    QAMSource,
    RateSink,
    RayleighChannel,
    RZFPrecoder,
    ScaledLSEstimator,
    StreamsToVector,
    StreamToFrames,
    StructuredPrecoder,
    UplinkChannel,
    VectorToStreams,
    WaterFilling,
    WMMSEPrecoder,
    ZFDetector,
    ZFPrecoder,
    ZmqSink,
    ZmqSource,
    run_block,
)
from sim.modulation import random_symbols
from sim.preamble import zadoff_chu
from sim.world.rayleigh import RayleighScenario
from sim.world.scenario import Scenario
from tests.support import ArraySource, Collect, complex_normal, paper_weights, precoder_weights
from trained.networks.data_driven import DataDrivenPilots
from trained.networks.unfolding import Unfolding

S = Scenario(antennas=64, users=4)
X = S.pilot_matrix()
P, N = S.downlink_power, S.noise_power
BLOCKS = 23
RNG = np.random.default_rng(5)
H = 1e-5 * complex_normal(RNG, BLOCKS, 64, 4)
POWERS = (P * RNG.dirichlet(np.ones(4), (2, BLOCKS))).astype(np.float32)

RECEIVED = H @ complex_normal(RNG, BLOCKS, 4, 9)
BURSTS = 0.05 * complex_normal(RNG, BLOCKS, 4)
for begin in (2, 13):
    BURSTS[begin : begin + 7] += zadoff_chu(7)[:, None] * complex_normal(RNG, 4)

FOLDER = tempfile.TemporaryDirectory()
JOURNAL = str(paper_weights(Path(FOLDER.name), "journal"))
BLACK_BOX = precoder_weights(Path(FOLDER.name), DataDrivenPilots, antennas=64, users=4)
UNFOLDED = precoder_weights(Path(FOLDER.name), Unfolding, antennas=8, users=3, user_antennas=2, streams=2, layers=3)
MIMO = RayleighScenario(8, 3)

PALETTE = {
    PilotSource: (lambda: PilotSource(X), {}),
    GenieCSI: (lambda: GenieCSI(S), {}),
    UplinkChannel: (lambda: UplinkChannel(S), {"pilots": np.broadcast_to(X, (BLOCKS, 4, 4))}),
    AWGN: (lambda: AWGN(N, seed=3), {"y": H}),
    LSEstimator: (lambda: LSEstimator(X), {"y": H}),
    ScaledLSEstimator: (lambda: ScaledLSEstimator(X, 1e-10, N), {"y": H}),
    LMMSEEstimator: (lambda: LMMSEEstimator(X, np.zeros((64, 4)), 64e-10 * np.eye(4), N), {"y": H}),
    CalibrationMLP: (lambda: CalibrationMLP("calibrated", N / (4 * S.uplink_power), P, N, 64), {"h_est": H}),
    PilotCalibrationMLP: (lambda: PilotCalibrationMLP(JOURNAL, 64), {"y": H}),
    FingerprintCSI: (lambda: FingerprintCSI(S, N / (4 * S.uplink_power), thinning=500), {"h_est": H}),
    MRTPrecoder: (lambda: MRTPrecoder(P), {"h_est": H}),
    ZFPrecoder: (lambda: ZFPrecoder(P), {"h_est": H}),
    RZFPrecoder: (lambda: RZFPrecoder(P, N), {"h_est": H}),
    WMMSEPrecoder: (lambda: WMMSEPrecoder(P, N, 30), {"h_est": H}),
    LearnedPrecoder: (lambda: LearnedPrecoder(BLACK_BOX, P, N, 64), {"y": 1e6 * H}),
    RayleighChannel: (lambda: RayleighChannel(MIMO), {}),
    MIMOWMMSEPrecoder: (lambda: MIMOWMMSEPrecoder(2, 100.0, 1.0, 20, starts=3), {"h": MIMO.channels(range(BLOCKS))}),
    LearnedMIMOPrecoder: (lambda: LearnedMIMOPrecoder(UNFOLDED, 100.0, 8), {"h": MIMO.channels(range(BLOCKS))}),
    MIMORateSink: (lambda: MIMORateSink(1.0), {"h": MIMO.channels(range(BLOCKS)), "v": complex_normal(RNG, BLOCKS, 3, 8, 2)}),
    StructuredPrecoder: (lambda: StructuredPrecoder(P, N), {"h_est": H, "p": POWERS[0], "q": POWERS[1]}),
    DownlinkChannel: (lambda: DownlinkChannel(S), {"v": H}),
    RateSink: (lambda: RateSink(N), {"g": 1e-5 * complex_normal(RNG, BLOCKS, 4, 4)}),
    QAMSource: (lambda: QAMSource(4, 9, 64, seed=2), {}),
    Precode: (Precode, {"v": H, "symbols": complex_normal(RNG, BLOCKS, 4, 9)}),
    MFDetector: (MFDetector, {"y": RECEIVED, "h_est": H}),
    ZFDetector: (ZFDetector, {"y": RECEIVED, "h_est": H}),
    LMMSEDetector: (lambda: LMMSEDetector(1.0, 1e-10), {"y": RECEIVED, "h_est": H}),
    WaterFilling: (lambda: WaterFilling(P, N), {"v": H, "h_est": H}),
    BurstSync: (lambda: BurstSync(4, 3, zadoff_chu(7), threshold=0.8), {"samples": BURSTS}),
    StreamToFrames: (lambda: StreamToFrames(1, 4, "interleaved"), {"samples": BURSTS[:, 0].copy()}),
    FramesToStream: (lambda: FramesToStream(64, 4), {"y": H}),
    StreamsToVector: (lambda: StreamsToVector(3), {f"ch{m}": BURSTS[:, m].copy() for m in range(3)}),
    VectorToStreams: (lambda: VectorToStreams(4), {"samples": BURSTS}),
    Demod: (Demod, {"received": complex_normal(RNG, BLOCKS, 4, 9), "symbols": random_symbols(16, 0, range(BLOCKS), (4, 9))}),
}
MEASURES = (RateSink, MIMORateSink, Demod)
MODES = {
    "batch 1, threads, inproc": {"batch": 1},
    "batch 7, threads, ipc": {"batch": 7, "transport": "ipc"},
    "batch 64, threads, tcp": {"batch": 64, "transport": "tcp"},
    "batch 5, processes, ipc": {"batch": 5, "workers": "process", "transport": "ipc"},
}


@functools.cache
def alone(kind):
    """What the block gives for all blocks at once, by output name."""
    make, arrays = PALETTE[kind]
    found = run_block(make(), range(BLOCKS), **arrays)
    return {"rates": found["rates"]} if kind in MEASURES else found


def streamed(kind, results):
    return {"rates": results[kind.__name__]["rates"]} if kind in MEASURES else results["Collect"]["arrays"]


def graph(block, arrays):
    fg = Flowgraph()
    fg.connect(*([ArraySource(**arrays)] if arrays else []), block, *([Collect()] if block.outputs else []))
    return fg


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-6 * np.abs(expected[name]).max(), err_msg=name)


def test_the_palette_is_complete():
    kinds = {v for v in vars(blocks).values() if isinstance(v, type) and issubclass(v, blocks.Block)}
    outside = {kind for kind in kinds if re.match(r"File|Zmq|GNURadio|Srsran|SigMF", kind.__name__)}
    assert kinds - outside - {blocks.Block, Chain, blocks.TolerantChain} == set(PALETTE)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", PALETTE, ids=lambda k: k.__name__)
def test_streaming_gives_what_the_block_gives_alone(kind, mode):
    make, arrays = PALETTE[kind]
    results = graph(make(), arrays).run(blocks=BLOCKS, **MODES[mode])
    assert_same(streamed(kind, results), alone(kind))


@pytest.mark.parametrize("kind", PALETTE, ids=lambda k: k.__name__)
def test_fusing_with_its_neighbours_changes_nothing(kind):
    make, arrays = PALETTE[kind]
    fg = Flowgraph()
    before = [ArraySource(**arrays)] if arrays else []
    block = make()
    if block.outputs:
        fg.connect(Chain(*before, block), Collect())
    else:
        fg.connect(ArraySource(**arrays), Chain(block))
    assert_same(streamed(kind, fg.run(blocks=BLOCKS, batch=6)), alone(kind))


@pytest.mark.parametrize("kind", PALETTE, ids=lambda k: k.__name__)
def test_a_split_into_two_flowgraphs_changes_nothing(kind, tmp_path):
    make, arrays = PALETTE[kind]
    endpoint = f"ipc://{tmp_path}/split"
    first, second = Flowgraph(), Flowgraph()
    block = make()
    if block.outputs:
        first.connect(*([ArraySource(**arrays)] if arrays else []), block, ZmqSink(endpoint))
        shapes = {n: blocks.Signal(*a.shape[1:], dtype=a.dtype.str) for n, a in alone(kind).items()}
        second.connect(ZmqSource(endpoint, **shapes), Collect())
    else:
        source = ArraySource(**arrays)
        first.connect(source, ZmqSink(endpoint))
        second.connect(ZmqSource(endpoint, **source.outputs), block)
    with second.start(batch=64):
        first.run(blocks=BLOCKS, batch=4)
        results = second.wait()
    assert_same(streamed(kind, results), alone(kind))


@pytest.mark.parametrize("kind", PALETTE, ids=lambda k: k.__name__)
def test_recording_and_replaying_changes_nothing(kind, tmp_path):
    expected = alone(kind)
    file = tmp_path / "frames.cbm"
    record, replay = Flowgraph(), Flowgraph()
    make, arrays = PALETTE[kind]
    block = make()
    if block.outputs:
        record.connect(*([ArraySource(**arrays)] if arrays else []), block, FileSink(file))
        record.run(blocks=BLOCKS, batch=9)
        replay.connect(FileSource(file), Collect())
    else:
        record.connect(ArraySource(**arrays), FileSink(file))
        record.run(blocks=BLOCKS, batch=9)
        replay.connect(FileSource(file), block)
    assert_same(streamed(kind, replay.run()), expected)


@pytest.mark.parametrize("kind", PALETTE, ids=lambda k: k.__name__)
def test_blocks_are_picklable_specifications(kind):
    make, arrays = PALETTE[kind]
    block = make()
    run_block(block, range(BLOCKS), **arrays)
    again = run_block(pickle.loads(pickle.dumps(make())), range(BLOCKS), **arrays)
    assert_same({"rates": again["rates"]} if kind in MEASURES else again, alone(kind))


@pytest.mark.parametrize("kind", [k for k in PALETTE if PALETTE[k][1]], ids=lambda k: k.__name__)
def test_inputs_are_never_written(kind):
    make, arrays = PALETTE[kind]
    copies = {name: a.copy() for name, a in arrays.items()}
    run_block(make(), range(BLOCKS), **arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, copies[name])
