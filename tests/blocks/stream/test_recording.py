import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks import BlockError, FileSink, FileSource, Flowgraph
from blocks.runtime.errors import WireError
from blocks.runtime.frame import Frame
from blocks.runtime.recording import file_header, read_recording, write_record
from blocks.runtime.wire import encode
from tests.streams import ArraySource, Collect

X = np.arange(60, dtype=np.float32).reshape(20, 3)


@pytest.fixture
def recording(tmp_path):
    fg = Flowgraph()
    fg.connect(ArraySource(x=X), FileSink(tmp_path / "x.cbm"))
    fg.run(blocks=20, batch=8)
    return tmp_path / "x.cbm"


def replay(path, **arguments):
    fg = Flowgraph()
    fg.connect(FileSource(path), Collect())
    return fg.run(**arguments)["Collect"]


def test_frames_come_back_as_they_were(recording):
    found = replay(recording)
    np.testing.assert_array_equal(found["arrays"]["x"], X)
    assert found["starts"] == [0, 8, 16]


def test_number_of_blocks_cuts_a_replay(recording):
    np.testing.assert_array_equal(replay(recording, blocks=11)["arrays"]["x"], X[:11])


def test_recording_that_breaks_off_plays_its_complete_frames_first(recording, tmp_path):
    content = recording.read_bytes()
    for cut in (len(content) - 40, len(content) - 1):
        recording.write_bytes(content[:cut])
        fg, sink = Flowgraph(), FileSink(tmp_path / "copy.cbm")
        fg.connect(FileSource(recording), sink)
        with pytest.raises(BlockError, match=r"x\.cbm breaks off after [123] complete frames"):
            fg.run()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "shorter than the header"),
        (b"not a recording at all", "does not begin with"),
        (b"calibeam\x09\0\0\0", "version 9"),
        (b"calibeam\x01\0\0\0", "breaks off after 0"),
        (b"calibeam\x01\0\0\0\xff\xff\xff\xff", "message parts"),
    ],
)
def test_file_that_is_no_recording_is_named(tmp_path, content, message):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(WireError, match=message):
        FileSource(tmp_path / "f")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        FileSource(tmp_path / "nowhere")


@given(cut=st.integers(0, 10**6), position=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_damaged_recording_gives_frames_or_an_error_and_nothing_else(tmp_path_factory, cut, position, bit):
    content = bytearray(file_header())
    for start in (0, 2):
        parts = encode(Frame(start, {"x": X[start : start + 2]}))
        buffer = io.BytesIO()
        write_record(buffer, parts)
        content += buffer.getvalue()
    content[position % len(content)] ^= 1 << bit
    file = tmp_path_factory.mktemp("damaged") / "f"
    file.write_bytes(content[: cut % (len(content) + 1)])
    with contextlib.suppress(WireError):
        for frame in read_recording(file):
            assert isinstance(frame, Frame)
