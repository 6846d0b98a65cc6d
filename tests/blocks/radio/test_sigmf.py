"""SigMF recordings: what the sigmf package reads is what was streamed, and the other way round."""

import json
import sys

import numpy as np
import pytest
import sigmf

from blocks import Flowgraph, SigMFSink, SigMFSource, WiringError
from blocks.radio.pmt import UInt64
from blocks.radio.stream_tags import StreamTag, add_stream_tags, stream_tags
from blocks.runtime.frame import Frame
from tests.streams import Collect, FrameSource, complex_normal

X = complex_normal(np.random.default_rng(1), 100, 3)
TAGS = [StreamTag(3, "burst", {"snr_db": 12.5, "sample": UInt64(3)}), StreamTag(70, "rx_time", (UInt64(1), 0.5), "usrp")]


def record(path, samples, starts=(0,), tags=(), **about):
    cuts = np.split(samples, len(starts))
    frames = [Frame(start, {"samples": cut}) for start, cut in zip(starts, cuts, strict=True)]
    for frame in frames:
        add_stream_tags(frame.tags, tags)  # all of them with every frame, as after a split
    fg = Flowgraph()
    fg.connect(FrameSource(*frames), SigMFSink(path, **about))
    fg.run()


def replay(path, blocks=None, **arguments):
    fg = Flowgraph()
    fg.connect(SigMFSource(path, **arguments), Collect())
    return fg.run(blocks=blocks)["Collect"]


def write(path, samples, datatype, channels=1, annotations=()):
    samples.tofile(f"{path}.sigmf-data")
    meta = sigmf.SigMFFile(
        {
            "global": {
                "core:datatype": datatype,
                "core:version": "1.2.0",
                "core:num_channels": channels,
                "core:extensions": [{"name": "calibeam", "version": "0.1.0", "optional": True}],
            },
            "captures": [{"core:sample_start": 0}],
            "annotations": list(annotations),
        }
    )
    meta.set_data_file(f"{path}.sigmf-data")
    meta.tofile(path)


@pytest.mark.parametrize("samples", [X, X[:, 0].copy(), X.real.copy(), X[:, 0].real.copy()], ids=["c3", "c1", "r3", "r1"])
def test_the_package_reads_what_was_recorded(samples, tmp_path):
    record(tmp_path / "a", samples, sample_rate_hz=1e6, frequency_hz=2.4e9)
    found = sigmf.fromfile(tmp_path / "a.sigmf-meta")
    found.validate()
    np.testing.assert_array_equal(found.read_samples(), samples)
    assert found.sample_rate == 1e6 and found.get_captures()[0]["core:frequency"] == 2.4e9
    assert len(found.get_global_field("core:sha512")) == 128


def test_tags_gaps_and_samples_come_back(tmp_path):
    tags = [*TAGS, StreamTag(1030, "late", [1, 2])]
    record(tmp_path / "a", X, (0, 1000), tags)
    meta = json.loads((tmp_path / "a.sigmf-meta").read_text())
    assert [c["core:global_index"] for c in meta["captures"]] == [0, 1000]
    assert [(a["core:sample_start"], a["core:label"]) for a in meta["annotations"]] == [(3, "burst"), (80, "late")]
    found = replay(tmp_path / "a.sigmf-meta", frame_samples=20)
    np.testing.assert_array_equal(found["arrays"]["samples"], X)
    assert found["starts"] == [0, 20, 40, 1000, 1020, 1040]
    back = [tag for each in found["tags"] for tag in stream_tags(each)]
    assert back == [TAGS[0], tags[2]] and type(back[0].value["sample"]) is UInt64


def test_part_of_a_recording(tmp_path):
    record(tmp_path / "a", X)
    np.testing.assert_array_equal(replay(tmp_path / "a", blocks=37, frame_samples=10)["arrays"]["samples"], X[:37])


@pytest.mark.parametrize(
    ("datatype", "raw", "value"),
    [
        ("ci16_le", np.array([[16384, -32768], [0, 8192]], "<i2"), [0.5 - 1j, 0.25j]),
        ("cu8", np.array([[192, 0], [128, 64]], "u1"), [0.5 - 1j, -0.5j]),
        ("cf32_be", np.array([1 + 2j, -3j], ">c8"), [1 + 2j, -3j]),
        ("cf64_le", np.array([1 + 2j, -3j]), [1 + 2j, -3j]),
        ("rf32_le", np.array([0.5, 2], "<f4"), [0.5, 2]),
        ("ri8", np.array([64, -128], "i1"), [0.5, -1]),
    ],
)
def test_every_datatype_is_read(datatype, raw, value, tmp_path):
    write(tmp_path / "a", raw, datatype)
    found = replay(tmp_path / "a.sigmf-meta")["arrays"]["samples"]
    assert found.dtype == (np.float32 if datatype.startswith("r") else np.complex64)
    np.testing.assert_allclose(found, value)


def test_archives_and_other_programs_annotations(tmp_path):
    notes = [
        {"core:sample_start": 5, "core:sample_count": 3, "core:label": "preamble", "core:freq_lower_edge": -1.5, "core:comment": "é" * 999}
    ]
    write(tmp_path / "a", X, "cf32_le", 3, notes)
    sigmf.fromfile(tmp_path / "a.sigmf-meta").archive(tmp_path / "b.sigmf")
    found = replay(tmp_path / "b.sigmf")
    np.testing.assert_array_equal(found["arrays"]["samples"], X)
    [tag] = stream_tags(found["tags"][0])
    assert (tag.offset, tag.key, tag.value["core:freq_lower_edge"], tag.value["core:sample_count"]) == (5, "preamble", -1.5, 3)


def test_a_changed_sample_is_noticed_before_the_first_frame(tmp_path):
    record(tmp_path / "a", X)
    data = tmp_path / "a.sigmf-data"
    data.write_bytes(b"\x01" + data.read_bytes()[1:])
    source = SigMFSource(tmp_path / "a")
    with pytest.raises(ValueError, match=r"cannot read the SigMF recording .*a: .*hash"):
        next(source.frames(None, 1))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"global": {}}',
        '{"global": {"core:datatype": "cx9", "core:version": "1.0.0"}, "captures": [], "annotations": []}',
        '{"global": 5, "captures": 1, "annotations": null}',
    ],
)
def test_what_is_no_recording_is_refused(content, tmp_path):
    (tmp_path / "a.sigmf-meta").write_text(content)
    (tmp_path / "a.sigmf-data").write_bytes(bytes(80))
    with pytest.raises(ValueError, match=r"cannot read the SigMF recording .*a\.sigmf-meta: \w"):
        SigMFSource(tmp_path / "a.sigmf-meta")


@pytest.mark.parametrize("tag", ["zz", "0", 5, "0203", "06" * 2, "08ffffffff"])
def test_a_broken_tag_is_named(tag, tmp_path):
    write(tmp_path / "a", X, "cf32_le", 3, [{"core:sample_start": 5, "calibeam:tag": tag}])
    with pytest.raises(ValueError, match=r"a\.sigmf-meta: the field calibeam:tag at sample 5"):
        next(SigMFSource(tmp_path / "a.sigmf-meta").frames(None, 1))


def test_recordings_are_not_replaced(tmp_path):
    record(tmp_path / "a", X)
    with pytest.raises(Exception, match="a.sigmf-meta exists"):
        record(tmp_path / "a", X)
    np.testing.assert_array_equal(replay(tmp_path / "a")["arrays"]["samples"], X)


def test_a_recording_that_broke_off_can_be_read(tmp_path):
    sink = SigMFSink(tmp_path / "a")
    sink.start()
    sink.work(range(100), {}, X)
    sink._file.flush()  # and then the process is killed
    np.testing.assert_array_equal(replay(tmp_path / "a")["arrays"]["samples"], X)


def test_an_empty_stream_leaves_no_description(tmp_path):
    fg = Flowgraph()
    source = FrameSource(Frame(0, {"samples": X}))
    source.given = ()
    fg.connect(source, SigMFSink(tmp_path / "a"))
    fg.run()
    assert not (tmp_path / "a.sigmf-meta").exists()


def test_other_arrays_are_refused_when_connecting(tmp_path):
    for array in (X.astype("complex128"), X[None], X.view(np.int32)):
        with pytest.raises(WiringError, match=r"records samples \(\) or \(M,\) of complex64 or float32"):
            Flowgraph().connect(FrameSource(Frame(0, {"samples": array})), SigMFSink(tmp_path / "a"))


def test_the_package_is_asked_for_by_name(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sigmf", None)
    with pytest.raises(ImportError, match=r"calibeam\[sigmf\]"):
        SigMFSource(tmp_path / "a")
