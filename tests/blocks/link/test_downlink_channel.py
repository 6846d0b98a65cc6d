"""The downlink, and the power that it lets pass."""

import numpy as np
import pytest

from blocks import (
    Block,
    BlockError,
    Chain,
    DownlinkChannel,
    Flowgraph,
    GenieCSI,
    Precode,
    QAMSource,
    RateSink,
    Signal,
    ZFPrecoder,
    run_block,
)
from sim.world.scenario import Scenario
from tests.blocks.link_data import SEVERAL, V_SEVERAL
from tests.streams import Collect, complex_normal

S = Scenario(antennas=16, users=4)
EXAMPLE = (lambda: DownlinkChannel(S), {"v": 0.1 * complex_normal(np.random.default_rng(3), 23, 16, 4)})
MORE = {"users with two antennas": (lambda: DownlinkChannel(SEVERAL), {"v": V_SEVERAL})}


def of_power(rng, power, blocks=20):
    v = complex_normal(rng, blocks, 16, 4)
    return v * np.sqrt(power / (np.abs(v) ** 2).sum((1, 2), keepdims=True)).astype(np.float32)


class Loud(Block):
    """Uses more than it has from block 30 on."""

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"v": Signal("M", "K")}

    def __init__(self, times):
        self.times = times

    def work(self, index, h_est):
        v = h_est / np.sqrt((np.abs(h_est) ** 2).sum((1, 2), keepdims=True)) * np.sqrt(S.downlink_power)
        return (v * np.where(np.array(index) < 30, 1, np.sqrt(self.times))[:, None, None]).astype(np.complex64)


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("workers", ["thread", "process"])
def test_a_precoder_above_the_budget_is_named_with_its_power_and_the_remedy(workers, chained):
    parts = [Loud(100), DownlinkChannel(S), RateSink(S.noise_power)]
    fg = Flowgraph()
    fg.connect(GenieCSI(S), *([Chain(*parts)] if chained else parts))
    with pytest.raises(
        BlockError, match=r"DownlinkChannel .*Loud\.v gives a precoder of power 316\.228 mW at coherence block 30.*allow_power=True"
    ):
        fg.run(blocks=60, batch=7, workers=workers)


def test_the_budget_is_kept_to_a_tenth_of_a_percent(rng):
    run_block(DownlinkChannel(S), v=of_power(rng, 1.0009 * S.downlink_power))
    with pytest.raises(ValueError, match="the input v gives a precoder of power"):
        run_block(DownlinkChannel(S), v=of_power(rng, 1.0011 * S.downlink_power))


def test_any_power_passes_where_that_is_asked_for(rng):
    v = of_power(rng, 100 * S.downlink_power)
    np.testing.assert_allclose(run_block(DownlinkChannel(S, allow_power=True), v=v)["g"], S.downlink(range(20)) @ v, rtol=1e-5)


@pytest.mark.parametrize("symbols", [1, 4, 9, 64])
@pytest.mark.parametrize("batch", [1, 64])
def test_random_symbols_of_a_precoder_within_the_budget_pass(symbols, batch):
    fg, precoder, source, precode = Flowgraph(), ZFPrecoder(S.downlink_power), QAMSource(4, symbols, 64), Precode()
    fg.connect(GenieCSI(S), precoder, precode, DownlinkChannel(S), Collect())
    fg.connect(source, precode)
    fg.run(blocks=1000, batch=batch)


def test_samples_above_the_budget_are_refused():
    fg, precoder, source, precode = Flowgraph(), ZFPrecoder(2 * S.downlink_power), QAMSource(4, 64, 64), Precode()
    fg.connect(GenieCSI(S), precoder, precode, DownlinkChannel(S), Collect())
    fg.connect(source, precode)
    with pytest.raises(BlockError, match=r"Precode\.samples gives samples of mean power"):
        fg.run(blocks=100)
