"""Bursts are found wherever they lie, however the stream is cut, and whatever befell the ones before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.burst_sync import measure
from blocks import BurstSync, Flowgraph, FramesToStream, StreamToFrames, WiringError, run_block
from blocks.radio.stream_tags import StreamTag, add_stream_tags, stream_tags
from blocks.runtime.frame import Frame
from sim.preamble import shift_carrier, zadoff_chu
from tests.streams import Collect, FrameSource, complex_normal

Z = zadoff_chu(61, 25)
M, L = 3, 5
SIZE = len(Z) + L
RNG = np.random.default_rng(8)
STARTS = [40, 40 + SIZE, 300, 700]
PILOTS = complex_normal(RNG, 4, L, M)


def air(offset=1e-3, noise=0.03):
    samples = noise * complex_normal(RNG, 1000, M)
    for begin, pilots in zip(STARTS, PILOTS, strict=True):
        samples[begin : begin + SIZE] += np.concatenate((Z[:, None] * complex_normal(np.random.default_rng(begin), M), pilots))
    return shift_carrier(samples, offset)


AIR = air()


def bursts():
    samples = 0.05 * complex_normal(np.random.default_rng(9), 23, 4)
    for begin in (2, 13):
        samples[begin : begin + 7] += zadoff_chu(7)[:, None] * complex_normal(np.random.default_rng(begin), 4)
    return samples


EXAMPLE = (lambda: BurstSync(4, 3, zadoff_chu(7), threshold=0.8), {"samples": bursts()})


def sync(samples, sizes=(), start=0, block=None, tags=()):
    """(pilots (B, M, L), values of the burst tags, report) of a stream cut into frames of these sizes."""
    edges = np.cumsum([start, *sizes])
    frames = [
        Frame(int(a), {"samples": samples[a - start : b - start]})
        for a, b in zip(edges, [*edges[1:], start + len(samples)], strict=True)
        if b > a
    ]
    for frame in frames:
        add_stream_tags(frame.tags, [tag for tag in tags if tag.offset in frame.index])
    return drained(frames, block or BurstSync(M, L, Z))


def drained(frames, block):
    block.start()
    made = list(block.transform(iter(frames)))
    y = np.concatenate([frame.arrays["y"] for frame in made]) if made else np.empty((0, M, L))
    assert [frame.start for frame in made] == list(np.cumsum([0, *[frame.count for frame in made]])[:-1])
    report = block.report()
    assert report["bursts"] == len(y)
    counts = {name: count for name, count in report.items() if name not in ("snr_db", "carrier_offset")}
    return y, [tag for frame in made for tag in stream_tags(frame.tags)], counts


def found_at(tags):
    return [tag.value["sample"] for tag in tags if tag.key == "burst"]


def assert_close(y, expected, atol):
    """Equal up to each burst's phase, which no preamble on an unknown channel can tell."""
    turn = np.exp(-1j * np.angle((y * expected.conj()).sum((1, 2), keepdims=True)))
    np.testing.assert_allclose(turn * y, expected, atol=atol)


def test_bursts_of_the_link_are_found_and_cost_no_rate():
    m = measure(200, antennas=16, users=4)
    assert (m["found"], m["false"]) == (200, 0)
    for rate in m["rates"].values():
        assert rate["found"] > 0.98 * rate["aligned"] > 1


def test_pilots_offset_and_snr_are_recovered():
    y, tags, report = sync(AIR)
    assert found_at(tags) == STARTS
    assert report == {"bursts": 4, "broken_bursts": 0, "skipped_samples": 1000 - 4 * SIZE, "lost_samples": 0}
    assert_close(y, PILOTS.swapaxes(1, 2), atol=0.2)
    for tag in tags:
        assert tag.value["carrier_offset"] == pytest.approx(1e-3, abs=1e-4)
        assert 20 < tag.value["snr_db"] < 40
    exact, _, _ = sync(air(noise=0))
    assert_close(exact, PILOTS.swapaxes(1, 2), atol=1e-3)


@given(st.lists(st.integers(1, 300), max_size=40))
@settings(deadline=None, max_examples=40)
def test_it_does_not_matter_how_the_stream_is_cut(sizes):
    sizes = [size for size, total in zip(sizes, np.cumsum(sizes), strict=True) if total < 1000]
    y, tags, report = sync(AIR, sizes)
    expected, expected_tags, expected_report = sync(AIR)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert found_at(tags) == found_at(expected_tags) and report == expected_report


def test_interleaved_scalars_are_the_same_stream():
    y, tags, _ = sync(AIR.ravel(), [70, 1, 500], block=BurstSync(M, L, Z, layout="interleaved"))
    np.testing.assert_allclose(y, sync(AIR)[0], atol=1e-5)
    assert found_at(tags) == STARTS


@pytest.mark.parametrize("antennas", [1, 4])
def test_noise_and_silence_hold_no_burst(antennas):
    samples = complex_normal(np.random.default_rng(9), 200_000, antennas)
    samples[50_000:60_000] = 0
    block = BurstSync(antennas, L, Z, layout="interleaved")
    _, _, report = drained([Frame(0, {"samples": samples.ravel()})], block)
    assert report == {"bursts": 0, "broken_bursts": 0, "skipped_samples": 200_000, "lost_samples": 0}


@pytest.mark.parametrize(
    ("cut", "survivors"),
    [((50, 95), [1, 2, 3]), ((102, 104), [1, 2, 3]), ((20, 30), [0, 1, 2, 3]), ((60, 330), [3]), ((705, 1000), [0, 1, 2])],
)
def test_samples_lost_unnoticed_cost_the_bursts_they_were_in(cut, survivors):
    samples = np.delete(AIR, slice(*cut), axis=0)
    y, _, report = sync(samples, [100] * 6)
    assert_close(y, sync(AIR)[0][survivors], atol=0.05)
    assert report["skipped_samples"] == len(samples) - SIZE * len(survivors)


@pytest.mark.parametrize(("at", "survivors"), [(60, [1, 2, 3]), (104, [1, 2, 3]), (20, [0, 1, 2, 3])])
def test_extra_samples_cost_the_burst_they_fall_into(at, survivors):
    samples = np.insert(AIR, at, 5 * complex_normal(np.random.default_rng(3), 200, M), axis=0)
    _, tags, _ = sync(samples, [100] * 6)
    begins = [begin + (200 if begin >= at else 0) for begin in STARTS]
    found = found_at(tags)
    assert [begin for begin in found if (begin in begins and begin + SIZE <= at) or begin > at] == [begins[n] for n in survivors]


def test_a_gap_of_the_index_is_counted_and_breaks_one_burst():
    frames = [Frame(0, {"samples": AIR[:102]}), Frame(104, {"samples": AIR[104:]})]
    _, tags, report = drained(frames, BurstSync(M, L, Z))
    assert found_at(tags) == STARTS[1:]
    assert report == {"bursts": 3, "broken_bursts": 1, "skipped_samples": 998 - 3 * SIZE, "lost_samples": 2}


def test_a_sender_that_starts_anew_is_followed():
    frames = [Frame(0, {"samples": AIR[:500]}), Frame(0, {"samples": AIR})]
    _, tags, report = drained(frames, BurstSync(M, L, Z))
    assert found_at(tags) == STARTS[:3] + STARTS
    assert report["lost_samples"] == 0


def test_a_truncated_burst_at_the_end_is_counted():
    _, tags, report = sync(AIR[: STARTS[3] + SIZE - 1])
    assert found_at(tags) == STARTS[:3] and report["broken_bursts"] == 1


def test_the_last_burst_of_a_source_that_paused_is_not_lost():
    end = STARTS[3] + SIZE
    block = BurstSync(M, L, Z)
    block.start()
    made = list(block.transform(iter([Frame(0, {"samples": AIR[:end]}), None])))
    assert sum(frame.count for frame in made if frame is not None) == 4


def test_bursts_leave_once_a_preambles_length_follows():
    block = BurstSync(M, L, Z)
    block.start()
    ready = STARTS[0] + SIZE + len(Z) - 1
    made = block.transform(iter([Frame(0, {"samples": AIR[:ready]}), Frame(ready, {"samples": AIR[ready:]})]))
    assert next(made).count == 1


def test_numbers_that_are_none_spoil_their_burst_alone():
    broken = AIR.copy()
    broken[STARTS[1] + 3] = np.nan
    broken[STARTS[1] + 9] = 1e30
    broken[STARTS[1] + 40, 1] = np.inf
    broken[650] = 3e38
    y, tags, _ = sync(broken)
    np.testing.assert_allclose(y[[0, 2, 3]], sync(AIR)[0][[0, 2, 3]], atol=1e-5)
    assert found_at(tags) == STARTS and np.isfinite(y).all()


@pytest.mark.parametrize("preamble", [Z, None])
@pytest.mark.parametrize("sizes", [[], [7] * 100, [302, 50]])
def test_tags_mark_bursts(preamble, sizes):
    starts = STARTS if preamble is not None else [begin + len(Z) for begin in STARTS]
    size = SIZE if preamble is not None else L
    marks = [StreamTag(begin, "go") for begin in starts] + [StreamTag(starts[2] + 1, "note", 5), StreamTag(600, "note")]
    y, tags, report = sync(AIR, sizes, block=BurstSync(M, L, preamble, tag="go"), tags=marks)
    assert found_at(tags) == starts
    if preamble is not None:
        np.testing.assert_allclose(y, sync(AIR)[0], atol=1e-5)
    else:
        np.testing.assert_array_equal(y[2], AIR[300 + len(Z) : 300 + SIZE].T)
    assert [(tag.offset, tag.value) for tag in tags if tag.key == "note"] == [(2, 5)]
    assert report["skipped_samples"] == 1000 - 4 * size


def test_tags_inside_a_burst_break_it():
    marks = [StreamTag(begin, "go") for begin in (40, 70, 300, 990)]
    _, tags, report = sync(AIR, [64] * 15, block=BurstSync(M, L, Z, tag="go"), tags=marks)
    assert found_at(tags) == [70, 300] and report["broken_bursts"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((M, L), "needs a preamble"),
        ((M, 0, Z), "symbols=0"),
        ((0, L, Z), "antennas=0"),
        ((M, L, Z[None]), "shape"),
        ((M, L, 0 * Z), "not all zero"),
        ((M, L, Z, None, 1.5), "threshold=1.5"),
        ((M, L, Z, None, 0.3, "columns"), "layout='columns'"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        BurstSync(*arguments)


@pytest.mark.parametrize("layout", ["vector", "interleaved"])
@pytest.mark.parametrize("antennas", [1, M])
def test_frames_to_stream_and_back_is_the_identity(layout, antennas):
    y = complex_normal(RNG, 7, antennas, L)
    graph = Flowgraph()
    source = FrameSource(*[Frame(n, {"y": y[n : n + 2]}, {"run": 1}) for n in range(0, 6, 2)], Frame(6, {"y": y[6:]}))
    graph.connect(source, FramesToStream(antennas, L, layout), StreamToFrames(antennas, L, layout), Collect())
    found = graph.run()["Collect"]
    np.testing.assert_array_equal(found["arrays"]["y"], y)
    assert found["starts"] == [0, 2, 4, 6] and found["tags"][0] == {"run": 1}


def test_stream_to_frames_keeps_the_alignment_over_gaps():
    block = StreamToFrames(M, L)
    block.start()
    frames = [Frame(0, {"samples": AIR[:12]}), Frame(18, {"samples": AIR[18:33]}), Frame(33, {"samples": AIR[33:36]})]
    add_stream_tags(frames[1].tags, [StreamTag(21, "a"), StreamTag(31, "b")])
    made = list(block.transform(iter(frames)))
    assert [frame.index for frame in made] == [range(0, 2), range(4, 6), range(6, 7)]
    np.testing.assert_array_equal(made[1].arrays["y"][0], AIR[20:25].T)
    assert [(tag.offset, tag.key) for frame in made for tag in stream_tags(frame.tags)] == [(4, "a"), (6, "b")]
    assert block.report() == {"lost_samples": 10}


def test_interleaved_scalars_that_begin_amid_a_sample_wait_for_the_next():
    block = StreamToFrames(M, 2, "interleaved")
    block.start()
    [made] = block.transform(iter([Frame(4, {"samples": AIR.ravel()[4:40]})]))
    assert made.start == 1
    np.testing.assert_array_equal(made.arrays["y"][0], AIR[2:4].T)


def test_layout_and_shape_have_to_agree():
    graph = Flowgraph()
    with pytest.raises(WiringError, match="1 dimensions are not 0"):
        graph.connect(FrameSource(Frame(0, {"samples": AIR})), StreamToFrames(M, L, "interleaved"))


def test_tag_offsets_are_scaled():
    tags: dict = {}
    add_stream_tags(tags, [StreamTag(2, "x", 7)])
    run_block(FramesToStream(M, L), range(1, 4), tags, y=complex_normal(RNG, 3, M, L))
    assert [(tag.offset, tag.value) for tag in stream_tags(tags)] == [(2 * L, 7)]
