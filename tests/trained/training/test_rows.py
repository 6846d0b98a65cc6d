import csv

import pytest

from trained.training.rows import COLUMNS, RowsLogger


def rows(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def file(tmp_path):
    logger = RowsLogger(tmp_path / "logs" / "metrics.csv", 0)
    for step in (0, 10, 20, 30):
        logger.log_metrics({"of_wmmse": step / 100, "minutes": 0.5}, step=step)
    return logger.file


def test_what_is_logged_is_there_at_once(file):
    assert [int(row["step"]) for row in rows(file)] == [0, 10, 20, 30]
    assert tuple(rows(file)[0]) == COLUMNS and float(rows(file)[2]["of_wmmse"]) == 0.2


def test_a_resumed_run_goes_on_behind_its_checkpoint(file):
    logger = RowsLogger(file, 20)
    logger.log_metrics({"loss": -3.0}, step=25)
    assert [int(row["step"]) for row in rows(file)] == [0, 10, 20, 25]


def test_a_run_that_starts_afresh_has_no_rows_of_another(file):
    RowsLogger(file, 0)
    assert rows(file) == []


def test_what_has_no_column_is_left_out(file):
    RowsLogger(file, 30).log_metrics({"epoch": 0, "loss": -1.0}, step=31)
    assert rows(file)[-1] == {"step": "31", "minutes": "", "loss": "-1.0", "of_wmmse": ""}


def test_a_row_that_a_crash_cut_short_is_dropped(file):
    with file.open("a") as stream:
        stream.write("abc")
    RowsLogger(file, 30)
    assert [int(row["step"]) for row in rows(file)] == [0, 10, 20, 30]
