"""PMTs and tag headers against GNU Radio's own bytes, and against garbage."""

import contextlib
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blocks.radio import pmt
from blocks.radio.pmt import Pair, PmtError, UInt64, Vector
from blocks.radio.stream_tags import StreamTag, add_stream_tags, decode_header, encode_header, stream_tags
from tests.blocks.radio.captures import CAPTURES, CORPUS, messages, value_of

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(0, 2**64 - 1).map(UInt64)
    | st.text(max_size=20)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
)
ARRAYS = hnp.arrays(st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "c8", "c16"]), st.integers(0, 5))
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(Vector)
        | st.dictionaries(st.text(max_size=8), inner, min_size=1, max_size=4)
        | st.builds(Pair, inner, SCALARS.filter(lambda v: v is not None))
    ),
    max_leaves=12,
)
TAGGED = [name for name in CAPTURES if CAPTURES[name].get("pass_tags")]
TUPLE_OF_ALL = pmt.encode((True, "µ", -1, 2**40, UInt64(3), 0.5, 1j, [1, 2], {"a": {"b": None}}, Vector((1,)), Pair(1, 2), np.arange(3)))


@pytest.mark.parametrize("name", CORPUS)
def test_values_are_those_of_gnu_radio(name):
    content = bytes.fromhex(CORPUS[name]["hex"])
    assert pmt.encode(value_of(CORPUS[name]["pmt"])) == content
    assert pmt.encode(pmt.decode(content)) == content


@pytest.mark.parametrize("number", range(len(CAPTURES["pub_msg_sink"]["sent"])), ids=CAPTURES["pub_msg_sink"]["sent"])
def test_captured_messages_come_back_byte_for_byte(number):
    [content] = messages("pub_msg_sink")[number]
    assert pmt.encode(pmt.decode(content)) == content


@pytest.mark.parametrize("name", TAGGED)
def test_captured_tag_headers_are_read_and_written(name):
    [[content]] = messages(name)
    first, tags, at = decode_header(memoryview(content))
    expected = [StreamTag(t["offset"], *map(value_of, (t["key"], t["value"], t["srcid"]))) for t in CAPTURES[name]["tags_sent"]]
    assert first == 0
    assert encode_header(first, tags) == encode_header(first, expected) == content[:at]


@given(VALUES)
def test_every_value_survives(value):
    content = pmt.encode(value)
    assert pmt.encode(pmt.decode(content)) == content


def test_types_survive_a_frame():
    tags = {}
    sent = [StreamTag(7, "rx_time", (UInt64(17), 0.25), "usrp0"), StreamTag(9, "n", 3)]
    add_stream_tags(tags, sent)
    found = stream_tags(tags)
    assert found == sent
    assert isinstance(found[0].value[0], UInt64) and not isinstance(found[1].value, UInt64)


def test_every_prefix_is_refused():
    for end in range(len(TUPLE_OF_ALL)):
        with pytest.raises(PmtError):
            pmt.decode(TUPLE_OF_ALL[:end])
    header = encode_header(5, [StreamTag(6, "key", TUPLE_OF_ALL.hex())])
    for end in range(len(header)):
        with pytest.raises(PmtError):
            decode_header(memoryview(header[:end]))


def test_bit_flips_are_refused_or_read():
    for bit in range(8 * len(TUPLE_OF_ALL)):
        content = bytearray(TUPLE_OF_ALL)
        content[bit // 8] ^= 1 << bit % 8
        attempt(pmt.decode, bytes(content))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_read(content):
    attempt(pmt.decode, content)
    attempt(decode_header, memoryview(struct.pack("<HB", 0x5FF0, 1) + content))


def test_a_hundred_thousand_random_buffers_leave_nothing_behind():
    rng = np.random.default_rng(1)
    content, cuts = rng.integers(0, 16, 400_000, np.uint8).tobytes(), rng.integers(0, 399_900, 100_000)
    attempt(pmt.decode, content[:99])
    tracemalloc.start()
    for cut in cuts:
        attempt(pmt.decode, content[cut : cut + 64])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100_000


@pytest.mark.parametrize(
    "content",
    [
        b"\x0a\x0b\xff\xff\xff\xff\x00",
        b"\x08\xff\xff\xff\xff",
        b"\x0c\xff\xff\xff\xff" + b"\x06" * 50,
        b"\x02\xff\xff" + b"a" * 65535,
        b"\x07" * 100_000,
        b"\x0c\x00\x00\x00\x01" * 5_000 + b"\x06",
        b"\x09\x07" * 5_000,
        b"\x07\x06" * 5_000 + b"\x03\x00\x00\x00\x01",
        b"\x0e",
        b"\x06\x06",
        b"\x09\x07\x07\x06\x06\x06\x06",
        b"\x09\x06",
        b"\x02\x00\x01\xff",
    ],
    ids=[
        "huge array",
        "huge vector",
        "huge tuple",
        "long symbol",
        "deep pairs",
        "deep tuples",
        "deep dicts",
        "long chain of pairs",
        "type",
        "more after it",
        "list as key",
        "entry",
        "not UTF-8",
    ],
)
def test_malformed_values_are_refused(content):
    with pytest.raises(PmtError):
        pmt.decode(content)


def test_a_huge_number_of_tags_is_refused():
    with pytest.raises(PmtError, match="18446744073709551615 tags are announced"):
        decode_header(memoryview(struct.pack("<HBQQ", 0x5FF0, 1, 0, 2**64 - 1) + bytes(100)))


def test_a_message_without_header_names_the_remedy():
    with pytest.raises(PmtError, match="pass_tags"):
        decode_header(memoryview(bytes(64)))


def test_long_lists_are_read():
    assert pmt.decode(pmt.encode(list(range(20_000)))) == list(range(20_000))


@pytest.mark.parametrize(
    "value",
    [2**64, -(2**63) - 1, "a" * 1025, b"bytes", {1, 2}, np.zeros((2, 2)), np.zeros(2, "f2"), object()],
    ids=lambda value: type(value).__name__,
)
def test_what_no_pmt_holds_is_refused(value):
    with pytest.raises(PmtError):
        pmt.encode(value)


def attempt(decode, content):
    with contextlib.suppress(PmtError):
        decode(content)
