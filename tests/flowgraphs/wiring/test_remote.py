"""A client and a base station elsewhere that do not fit each other."""

import numpy as np
import pytest

from blocks import (
    AWGN,
    BlockError,
    Chain,
    Flowgraph,
    LSEstimator,
    PilotSource,
    Signal,
    TolerantChain,
    UplinkChannel,
    ZFPrecoder,
    ZmqSink,
    ZmqSource,
)
from flowgraphs.wiring import remote
from sim.world.scenario import Scenario
from tests.streams import Collect

S = Scenario(16, 4)
X = S.pilot_matrix()


def base_station(endpoint, *receiver, chained=False):
    source, sink = ZmqSource(endpoint, bind=True, endless=True, y=Signal(16, 4)), ZmqSink(remote.answers_at(endpoint))
    receiver = receiver or (TolerantChain(LSEstimator(X), ZFPrecoder(S.downlink_power)),)
    fg = Flowgraph()
    fg.connect(Chain(source, *receiver, sink) if chained else source, *(() if chained else (*receiver, sink)))
    return fg


def client(endpoint, s=S, pilots=None):
    sink, source = remote.base_station_at(endpoint, s.antennas, s.users)
    fg = Flowgraph()
    fg.connect(PilotSource(s.pilot_matrix() if pilots is None else pilots), UplinkChannel(s), AWGN(s.noise_power), sink)
    fg.connect(source, Collect())
    return fg


@pytest.fixture
def endpoint(tmp_path):
    return f"ipc://{tmp_path}/base"


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("wrong", [Scenario(16, 8), Scenario(8, 4), Scenario(16, 4, pilots=6)])
def test_other_antennas_users_or_pilots_reach_the_client_as_an_error(wrong, chained, endpoint):
    words = rf"FromBaseStation .*refuses: .*\(64, {wrong.antennas}, {wrong.pilot_symbols}\), expected \(64, 16, 4\).* the same antennas"
    with base_station(endpoint, chained=chained).start(), pytest.raises(BlockError, match=words):
        client(endpoint, wrong).run(blocks=640)


def test_blocks_that_cannot_be_computed_reach_the_client_as_an_error(endpoint):
    silent = np.zeros((4, 4), np.complex64)
    with base_station(endpoint, TolerantChain(LSEstimator(X), ZFPrecoder(1.0))).start():
        fg = client(endpoint, Scenario(16, 4, noise_dbm=-3000.0), silent)
        with pytest.raises(BlockError, match="refuses: coherence block 0 cannot be used"):
            fg.run(blocks=64)


def test_the_next_run_is_served_after_a_refused_one(endpoint):
    with base_station(endpoint).start():
        with pytest.raises(BlockError):
            client(endpoint, Scenario(16, 8)).run(blocks=64)
        assert client(endpoint).run(blocks=64)["Collect"]["arrays"]["v"].shape == (64, 16, 4)


def test_a_base_station_that_never_answers_is_an_error(endpoint, monkeypatch):
    monkeypatch.setattr(remote, "_PATIENCE_S", 0.3)
    deaf, mute = Flowgraph(), Flowgraph()
    deaf.connect(ZmqSource(endpoint, bind=True, endless=True, y=Signal(16, 4)), Collect())
    mute.connect(ZmqSource(f"{endpoint}-never", bind=True, v=Signal(16, 4)), ZmqSink(remote.answers_at(endpoint)))
    with deaf.start(), mute.start(), pytest.raises(BlockError, match=r"has not answered for 0 s; blocks from 0 on are missing"):
        client(endpoint).run(blocks=64)
