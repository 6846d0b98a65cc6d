"""Options of the base station: help that can be read, and mistakes that are named."""

import numpy as np
import pytest

from flowgraphs import base_station as base_station_program
from flowgraphs.wiring.command_line import run
from flowgraphs.wiring.pilot_file import load_pilots
from sim.pilots import dft_pilots
from tests.flowgraphs.base_station_process import LINK
from tests.support import precoder_weights
from trained.networks.data_driven import DataDriven


def main():
    run(base_station_program.app)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--input", "tcp://0.0.0.0:5555"), "would listen where other machines reach it"),
        (("--from", "srsran"), "antennas=16 need as many"),
        (("--input", "tcp://127.0.0.1:1", "--input", "tcp://127.0.0.1:2"), "--input was given 2 times"),
        (("--calibration", "calibrated-perfect"), "expects the true channel"),
        (("--from", "pdus", "--sync", "tag"), "--sync has no effect here: it is for an input of samples"),
        (("--from", "gnuradio", "--tag", "x"), "--tag has no effect here: it is for --sync tag"),
        (("--from", "gnuradio", "--sync", "tag", "--preamble", "61", "25"), "--preamble has no effect here"),
        (("--from", "gnuradio", "--sync", "aligned", "--threshold", "0.5"), "--threshold has no effect here"),
        (("--order", "64"), "--order has no effect here: it is for --to samples or srsran"),
        (("--to", "pdus", "--symbols", "9"), "--symbols has no effect here"),
        (("--layout", "interleaved"), "--layout has no effect here"),
        (("--from", "srsran", "--bind-input"), "--bind-input has no effect here"),
        (("--output-key", "x"), "--output-key has no effect here"),
        (("--calibration", "WEIGHTS", "--estimator", "ls"), "--estimator has no effect here"),
        (("--record", "nowhere/kept"), "--record nowhere/kept: nowhere is not a folder"),
        (("--pilots", "4", "--pilot-file", "x.npy"), "--pilots has no effect beside --pilot-file"),
        (("--pilot-file", "nowhere.npy"), "nowhere.npy"),
        (("--input-key", "x"), "--input-key has no effect here: it is for --from gnuradio"),
        (("--from", "gnuradio", "--input-socket", "push"), "socket='push' is not one of"),
        (("--sync", "preamble", "--preamble", "60", "7"), "length=60"),
        (("--from", "sigmf", "--input", "none"), "cannot read"),
        (("--users", "99"), "users=99"),
        (("--from", "nowhere"), "nowhere"),
    ],
)
def test_bad_options_are_named(options, words, command, tmp_path, monkeypatch):
    monkeypatch.setattr(base_station_program, "serve", lambda *_: pytest.fail("the base station runs"))
    if "WEIGHTS" in options:
        weights = precoder_weights(tmp_path, DataDriven, antennas=16, users=4)
        options = tuple(weights if option == "WEIGHTS" else option for option in options)
    code, output, errors = command(main, *LINK, *options)
    assert code in (1, 2) and words in " ".join((output + errors).split())


def test_keys_that_are_not_there_are_named(command):
    code, _, errors = command(main, *LINK, "--curve", "nowhere")
    assert code in (1, 2) and "nowhere" in errors


def test_the_help_fits_80_columns_and_nothing_of_it_is_cut(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, output, _ = command(main, "--help")
    lines = output.splitlines()
    assert code == 0 and max(map(len, lines)) <= 80 and not [line for line in lines if "\u2026" in line]
    panels = [line.split(" ")[1] for line in lines if line.startswith("\u256d")]
    assert {"Link", "Powers", "Input", "Output"} <= set(panels)


def test_an_existing_recording_is_refused_at_once(command, tmp_path):
    (tmp_path / "kept.sigmf-data").touch()
    code, _, errors = command(main, *LINK, "--record", tmp_path / "kept")
    assert code == 2 and "exists; give another name" in " ".join(errors.split())


def saved(tmp_path, pilots):
    np.save(tmp_path / "x.npy", pilots)
    return tmp_path / "x.npy"


def test_pilots_from_a_file_are_those_that_were_saved(tmp_path):
    x = dft_pilots(4, 6, 2.0)
    np.testing.assert_array_equal(load_pilots(saved(tmp_path, x), 4, 3.01), x)


@pytest.mark.parametrize(
    ("pilots", "words"),
    [
        (np.ones((4, 4)), "holds float64, expected a complex array"),
        (dft_pilots(3, 4, 1.0), r"has shape \(3, 4\), expected \(4, L\)"),
        (np.full((4, 4), np.nan + 0j), "holds NaN"),
        (np.ones((4, 4), complex), "has rank 1, expected 4"),
        (dft_pilots(4, 4, 10.0), "give --uplink-power-dbm 10.00, or scale the pilots by -10.00 dB"),
        (dft_pilots(4, 4, 1.0) * np.array([[1], [1], [1], [1e-5]]), "user 4 sends next to nothing"),
        (np.array([{}, 1], object), "not a .npy file"),
    ],
)
def test_pilots_that_cannot_be_used_are_refused(pilots, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        load_pilots(saved(tmp_path, pilots), 4, 0.0)
