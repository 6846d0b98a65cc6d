"""A chain that leaves out what it cannot compute, and nothing else."""

import logging

import numpy as np
import pytest

from blocks import Block, BlockError, Chain, Flowgraph, MRTPrecoder, Signal, TolerantChain, ZFPrecoder
from blocks.radio.stream_tags import StreamTag, add_stream_tags, stream_tags
from blocks.runtime.frame import Frame
from tests.streams import ArraySource, Collect, FrameSource, complex_normal

H = complex_normal(np.random.default_rng(1), 20, 8, 3)
EXAMPLE = (lambda: TolerantChain(ZFPrecoder(2.0)), {"h_est": H})


class Typo(Block):
    """Has a mistake that is none of arithmetic."""

    inputs = {"h_est": Signal("M", "K")}
    outputs = {"h_est": Signal("M", "K")}

    def work(self, h_est):
        raise TypeError("h_est cannot be called")


def through(chain, *frames):
    fg = Flowgraph()
    fg.connect(FrameSource(*frames), chain, Collect())
    found = fg.run()["Collect"]
    return found, fg.metrics()[chain.name]["report"]


def test_good_blocks_pass_as_through_a_chain():
    results = []
    for kind in (Chain, TolerantChain):
        fg = Flowgraph()
        fg.connect(ArraySource(h_est=H), kind(ZFPrecoder(2.0)), Collect())
        results.append(fg.run(blocks=20, batch=7)["Collect"]["arrays"]["v"])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-6)


@pytest.mark.parametrize("spoil", [0.0, np.nan, np.inf])
def test_bad_blocks_are_left_out_counted_and_logged(spoil, caplog):
    h = H.copy()
    h[[3, 11]] = spoil
    frame = Frame(100, {"h_est": h})
    add_stream_tags(frame.tags, [StreamTag(104, "burst", 1), StreamTag(103, "burst", 2)])
    with caplog.at_level(logging.WARNING, "calibeam"):
        found, report = through(TolerantChain(ZFPrecoder(2.0)), frame)
    assert report == {"unusable_blocks": 2}
    assert found["starts"] == [100, 102, 104, 105, 110, 112, 115]  # halves of halves around blocks 103 and 111
    assert (104, 1) in [(tag.offset, tag.value) for tags in found["tags"] for tag in stream_tags(tags)]
    good, _ = through(Chain(ZFPrecoder(2.0)), Frame(0, {"h_est": np.delete(H, [3, 11], 0)}))
    np.testing.assert_allclose(found["arrays"]["v"], good["arrays"]["v"], rtol=1e-5)
    assert "dropped a coherence block (1 so far)" in caplog.text


def test_output_that_is_not_finite_is_left_out_even_where_no_block_complains():
    h = H.copy()
    h[5, 0, 0] = np.nan
    found, report = through(TolerantChain(MRTPrecoder(2.0)), Frame(0, {"h_est": h}))
    assert report == {"unusable_blocks": 1} and len(found["arrays"]["v"]) == 19


def test_a_mistake_in_the_program_is_not_forgiven():
    fg = Flowgraph()
    fg.connect(ArraySource(h_est=H), TolerantChain(Typo()), Collect())
    with pytest.raises(BlockError, match="Typo.*cannot be called"):
        fg.run(blocks=20)
