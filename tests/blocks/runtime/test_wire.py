import contextlib

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blocks.runtime import wire
from blocks.runtime.errors import WireError
from blocks.runtime.frame import Frame
from blocks.runtime.refusal import Refusal

DTYPES = sorted(np.dtype(d) for d in wire.DTYPES)
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4).map(lambda s: (3, *s)))
)
tags = st.dictionaries(
    st.text(max_size=5),
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.floats(allow_nan=False)
    | st.lists(st.integers(0, 9), max_size=3),
    max_size=3,
)


def as_bytes(parts):
    return [bytes(memoryview(p).cast("B")) if memoryview(p).nbytes else b"" for p in parts]


@given(
    content=st.dictionaries(st.text(min_size=1, max_size=8), arrays, min_size=1, max_size=3),
    tags=tags,
    start=st.integers(0, 2**62),
    born=st.integers(0, 2**62),
)
@settings(deadline=None)
def test_what_is_sent_is_received(content, tags, start, born):
    frame = wire.decode(as_bytes(wire.encode(Frame(start, content, tags, 3, born))))
    assert (frame.start, frame.count, frame.tags, frame.born_ns) == (start, 3, tags, born)
    assert frame.arrays.keys() == content.keys()
    for name, array in content.items():
        assert frame.arrays[name].dtype == array.dtype
        assert frame.arrays[name].tobytes() == array.tobytes()


def test_example_of_the_documentation():
    header = {"v": 1, "kind": "data", "start": 10, "count": 2, "arrays": [["h_est", "<c8", [2, 2, 1]]]}
    array = np.arange(4).reshape(2, 2, 1).astype(np.complex64)
    frame = wire.decode([msgpack.packb(header), array.tobytes()])
    np.testing.assert_array_equal(frame.arrays["h_est"], array)
    assert frame.index == range(10, 12)
    assert as_bytes(wire.encode(frame)) == [msgpack.packb(header), array.tobytes()]


def test_arrays_share_the_message_memory_and_are_read_only():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    parts = wire.encode(Frame(0, {"x": array}))
    assert np.shares_memory(parts[1], array)
    received = wire.decode(parts).arrays["x"]
    assert np.shares_memory(received, array)
    with pytest.raises(ValueError, match="read-only"):
        received[0] = 1


GOOD = {"v": 1, "kind": "data", "start": 0, "count": 2, "arrays": [["x", "<f4", [2, 3]]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v": 2}, "version 2"),
        ({"kind": "nonsense"}, "kind 'nonsense'"),
        ({"start": -1}, "start is -1"),
        ({"start": True}, "start is True"),
        ({"count": 0}, "count is 0"),
        ({"count": 3}, "count=3"),
        ({"arrays": None}, "describes no arrays"),
        ({"arrays": []}, "0 arrays"),
        ({"arrays": [["x", "<f4"]]}, "described by"),
        ({"arrays": [["x", "O", [2, 3]]]}, "dtype 'O'"),
        ({"arrays": [["x", ">f4", [2, 3]]]}, "dtype '>f4'"),
        ({"arrays": [["x", "<f4", [2, -3]]]}, "shape"),
        ({"arrays": [["x", "<f4", [2, 2**50]]]}, "shape"),
        ({"arrays": [["x", "<f4", [2, 2**39]]]}, "needs 4398046511104 bytes"),
        ({"arrays": [["x", "<f4", [2] + [1] * 20]]}, "at most 16"),
        ({"arrays": [[1, "<f4", [2, 3]]]}, "array 1"),
        ({"tags": 4}, "tags"),
    ],
)
def test_malformed_header_is_named(change, message):
    with pytest.raises(WireError, match=message):
        wire.decode([msgpack.packb(GOOD | change), b"\0" * 24])


def test_wrong_length_and_part_count_are_named():
    for parts, message in (
        ([msgpack.packb(GOOD), b"\0" * 23], "needs 24 bytes, the part has 23"),
        ([msgpack.packb(GOOD)], "0 array parts"),
        ([], "empty"),
        ([b"\x90"], "is a list"),
        ([b"\xc1"], "not msgpack"),
        ([b"x" * (2 << 20)], "at most"),
    ):
        with pytest.raises(WireError, match=message):
            wire.decode(parts)


@given(parts=st.lists(st.binary(max_size=60), max_size=4))
@settings(max_examples=500, deadline=None)
def test_random_bytes_are_refused_and_nothing_else_happens(parts):
    with pytest.raises(WireError):
        wire.decode(parts)


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.integers(0, 10**6))
@settings(max_examples=500, deadline=None)
def test_flipped_bits_and_cut_headers_never_crash(position, bit, cut):
    header = bytearray(msgpack.packb(GOOD))
    header[position % len(header)] ^= 1 << bit
    for damaged in (bytes(header), bytes(header)[: cut % len(header)]):
        with contextlib.suppress(WireError):
            assert isinstance(wire.decode([damaged, b"\0" * 24]), Frame)


def test_deep_nesting_is_refused():
    with pytest.raises(WireError):
        wire.decode([b"\x91" * 5000, b""])


def test_tags_that_cannot_be_sent_are_named():
    with pytest.raises(WireError, match="tags"):
        wire.encode(Frame(0, {"x": np.zeros((1, 1), np.float32)}, {"when": object()}))
    with pytest.raises(WireError, match="dtype"):
        wire.encode(Frame(0, {"x": np.zeros((1, 1), np.float16)}))


def test_a_refusal_comes_back_as_it_was():
    refusal = Refusal("a1", "array y has another shape")
    assert wire.decode(wire.encode_refusal(refusal)) == refusal


@pytest.mark.parametrize("run", [1, "", "x" * 65, None, ["a"]])
def test_a_refusal_of_an_odd_run_is_malformed(run):
    with pytest.raises(WireError, match="expected a short string"):
        wire.decode([msgpack.packb({"v": 1, "kind": "error", "message": "", "run": run})])
