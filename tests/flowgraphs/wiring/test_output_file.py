import os
from pathlib import Path

import pytest

from flowgraphs.wiring.output_file import OutputFile


def test_a_file_is_replaced_by_a_whole_one(tmp_path):
    file = tmp_path / "r.json"
    file.write_text("old")
    OutputFile(file, "--json").write(b"new")
    assert file.read_bytes() == b"new" and list(tmp_path.iterdir()) == [file]


def test_what_is_found_out_before_leaves_no_file(tmp_path):
    OutputFile(tmp_path / "r.json", "--json")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "r.png").mkdir()
    with pytest.raises(ValueError, match=r"--plot .*r\.png is a folder"):
        OutputFile(tmp_path / "r.png", "--plot", (".png",))


def test_a_suffix_that_is_not_drawn_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"has to end in \.png, \.svg"):
        OutputFile(tmp_path / "r.bmp", "--plot", (".png", ".svg"))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*/none"):
        OutputFile(tmp_path / "none" / "r.json", "--json")


def test_a_place_where_nothing_can_be_written_is_named():
    with pytest.raises(OSError, match="cannot write /proc/"):
        OutputFile(Path("/proc/r.json"), "--json")


def test_a_device_is_written_to_and_not_replaced():
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe:
        OutputFile(Path(f"/dev/fd/{write}"), "--json").write(b"text")
        os.close(write)
        assert pipe.read() == b"text"
