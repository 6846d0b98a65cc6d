import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from pyarrow import csv, parquet

from flowgraphs import sweep
from flowgraphs.experiments.points import Point, compared, half_width, read_point, run_point, stamped, write_point
from tests.program import finished, started, until
from tests.support import precoder_weights
from trained.networks.unfolding import Unfolding

pytestmark = pytest.mark.timeout(300)
BASE = ["--method", "zf", "--method", "wmmse", "--set", "antennas=16", "--blocks", "40", "--workers", "2"]
SLOW = [
    "-m",
    "flowgraphs.sweep",
    "--method",
    "wmmse",
    "--set",
    "antennas=16,32",
    "--set",
    "users=6,8",
    "--seeds",
    "3",
    "--blocks",
    "1500",
    "--workers",
    "2",
]


@contextmanager
def sweeping(folder):
    """A sweep of 12 points in a process of its own, once its first point is there."""
    with started(*SLOW, "--out", folder, stderr=subprocess.STDOUT) as process:
        until(lambda: process.poll() is not None or list((folder / "points").glob("*.parquet")), 90)
        assert process.poll() is None, process.communicate()[0]
        yield process


def worker_processes(pid):
    """The worker processes of a sweep."""
    return [p for p in psutil.Process(pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]


def assert_whole(folder):
    files = list((folder / "points").glob("*.parquet"))
    assert len(files) == 12 and not list((folder / "points").glob("*.part"))
    rows = csv.read_csv(folder / "results.csv").to_pylist()
    assert [row["blocks"] for row in rows] == [4500] * 4
    point = Point("wmmse", {"antennas": 16, "users": 6}, 2, 1500)
    np.testing.assert_array_equal(read_point(point, folder / "points"), run_point(point))


def test_a_sweep_gives_a_table_and_goes_on_without_repeating(command, tmp_path):
    done = command(sweep.main, *BASE, "--set", "users=2,4", "--out", str(tmp_path))
    assert done.code == 0, done.err
    assert "ZF" in done.out and "4/4" in done.out
    stamps = {f: f.stat().st_mtime_ns for f in (tmp_path / "points").iterdir()}
    again = command(sweep.main, *BASE, "--set", "users=2,4,6", "--out", str(tmp_path))
    assert "4 of 6 points are there already" in again.out
    assert {f: f.stat().st_mtime_ns for f in stamps} == stamps
    rows = csv.read_csv(tmp_path / "results.csv").to_pylist()
    assert {(r["method"], r["users"]) for r in rows} == {(m, k) for m in ("zf", "wmmse") for k in (2, 4, 6)}
    assert parquet.read_table(tmp_path / "results.parquet").num_rows == 6
    configuration = json.loads((tmp_path / "configuration.json").read_text())
    assert configuration["grid"] == {"antennas": [16], "users": [2, 4, 6]} and "torch" in configuration["versions"]


def test_a_failing_point_is_told_of_and_the_others_go_on(command, tmp_path):
    done = command(sweep.main, *BASE, "--set", "users=4,17", "--out", str(tmp_path))
    assert done.code == 1
    assert "failed: zf,antennas=16,users=17,seed=0" in done.out and "users=17" in done.err
    assert {r["users"] for r in csv.read_csv(tmp_path / "results.csv").to_pylist()} == {4}


def test_a_killed_worker_costs_nothing(tmp_path):
    with sweeping(tmp_path) as process:
        worker_processes(process.pid)[0].kill()
        output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert_whole(tmp_path)


def test_a_killed_sweep_goes_on_and_leaves_no_process(tmp_path):
    with sweeping(tmp_path) as process:
        workers = worker_processes(process.pid)
        process.kill()
        process.communicate(timeout=60)
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "points").glob("*.parquet")}
    assert 1 <= len(before) < 12
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    again = finished(*SLOW, "--out", tmp_path, timeout_s=240)
    assert again.returncode == 0, again.stderr
    assert f"{len(before)} of 12 points are there already" in again.stdout
    assert {f: f.stat().st_mtime_ns for f in before} == before
    assert_whole(tmp_path)


def test_a_scheduler_elsewhere_does_the_work(command, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        done = command(sweep.main, *BASE, "--set", "users=4", "--out", str(tmp_path), "--scheduler", cluster.scheduler_address)
    assert done.code == 0 and "wrote" in done.out


def test_a_slurm_job_runs_dask_workers(tmp_path, monkeypatch, command):
    """Slurm's sbatch is stood in for by a program that runs the job script at once on this machine."""
    import dask

    job = tmp_path / "job.sh"
    programs = {
        "sbatch": f'grep -q "SBATCH --mem" "$1" || exit 1\ncp "$1" {job}\nsh {job} >{tmp_path}/log 2>&1 &\necho Submitted batch job $!\n',
        "scancel": 'pkill -P "$1"; kill "$1"; exit 0\n',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with dask.config.set(
        {"jobqueue.slurm.cores": 1, "jobqueue.slurm.processes": 1, "jobqueue.slurm.memory": "2GB", "jobqueue.slurm.interface": "lo"}
    ):
        done = command(sweep.main, *BASE, "--set", "users=4", "--out", str(tmp_path / "out"), "--slurm", "1")
    assert done.code == 0, done.err
    assert "wrote" in done.out


def test_precision_stops_a_point_early_at_the_same_blocks():
    whole = run_point(Point("zf", {"antennas": 16, "users": 2}, 1, 2000))
    early = run_point(Point("zf", {"antennas": 16, "users": 2}, 1, 2000, precision=0.02))
    assert len(early) in range(400, 2000, 200)
    np.testing.assert_array_equal(early, whole[: len(early)])
    assert half_width(early) < 0.02 * early.mean()
    before = early[:-200]
    assert len(before) and half_width(before) >= 0.02 * before.mean()


def test_shares_are_paired_over_the_blocks_that_both_have():
    rng = np.random.default_rng(0)
    bound = rng.uniform(5, 15, (2, 300))
    rates = [(Point("wmmse", {"users": 4}, s, 300), bound[s]) for s in range(2)]
    rates += [(Point("zf", {"users": 4}, s, 300), 0.9 * bound[s][:200] + 0.01 * rng.standard_normal(200)) for s in range(2)]
    [reference, row] = compared(rates, "wmmse")
    assert reference["share"] == 1 and reference["share_ci95"] < 1e-12
    assert row["seeds"] == 2 and row["blocks"] == 400
    assert abs(row["share"] - 0.9) < 2e-4 and row["share_ci95"] < 3e-4 < row["ci95"] / row["rate"]
    [alone] = compared([(Point("zf", {"users": 4}, 0, 300), bound[0])], "wmmse")
    assert alone["share"] is None


def test_a_point_of_other_blocks_or_a_damaged_one_is_not_taken(tmp_path):
    point = Point("zf", {"users": 4, "uplink_power_dbm": -12.5}, 0, 50)
    write_point(point, np.arange(50.0), tmp_path)
    np.testing.assert_array_equal(read_point(point, tmp_path), np.arange(50.0))
    assert read_point(Point("zf", point.settings, 0, 60), tmp_path) is None
    assert read_point(Point("zf", point.settings, 1, 50), tmp_path) is None
    file = tmp_path / f"{point.name}.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"is no point of a sweep .* remove it"):
        read_point(point, tmp_path)


def test_a_point_of_other_weights_is_not_taken(tmp_path):
    weights = precoder_weights(tmp_path, Unfolding, antennas=16, users=4)
    point = Point(f"unfolding@{weights}", {"antennas": 16, "users": 4}, 0, 20)
    write_point(stamped(point), np.arange(20.0), tmp_path)
    assert read_point(stamped(point), tmp_path) is not None
    card = Path(weights).with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "sha256": "0"}))
    assert read_point(stamped(point), tmp_path) is None
    assert stamped(Point("zf", {"users": 4})).weights == stamped(Point("zf", {"users": 4000})).weights == ""


def test_a_plan_comes_from_yaml_and_options_win(command, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("methods: [mrt]\ngrid:\n  antennas: [16]\n  users: [2, 3]\nblocks: 300\nreference: mrt\n")
    done = command(sweep.main, str(plan), "--blocks", "20", "--set", "users=5", "--workers", "1", "--out", str(tmp_path / "out"))
    assert done.code == 0, done.err
    [row] = csv.read_csv(tmp_path / "out" / "results.csv").to_pylist()
    assert (row["method"], row["antennas"], row["users"], row["blocks"], row["share"]) == ("mrt", 16, 5, 20, 1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("methods: zf\n", "methods='zf' has to be of type list"),
        ("- zf\n", "a map with keys"),
        ("metods: [zf]\n", "a map with keys"),
        ("methods: [zf\n", "is not YAML"),
        ("grid: {users: 4}\n", "users=4 has to be a list"),
        ("blocks: many\n", "blocks='many'"),
        ("seeds: true\n", "seeds=True"),
        ("grid: {users: []}\n", "users=[] has to be a list"),
    ],
)
def test_a_bad_plan_is_named(command, tmp_path, text, words):
    plan = tmp_path / "plan.yaml"
    plan.write_text(text)
    done = command(sweep.main, str(plan), "--out", str(tmp_path / "out"))
    assert done.code == 2 and words in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "zz"], "'zz'"),
        (["--set", "user=4"], "no such setting"),
        (["--set", "users=4000"], "at the last one: users=4000"),
        (["--seeds", "0"], "seeds=0"),
        (["--blocks", "0"], "blocks=0"),
        (["--precision", "-1"], "precision=-1"),
        (["--workers", "0"], "workers=0"),
        (["--set", "=4"], "NAME=VALUE"),
        (["--scheduler", "tcp://127.0.0.1:1"], "127.0.0.1:1"),
    ],
)
def test_bad_options_are_named(command, tmp_path, options, words):
    done = command(sweep.main, "--out", str(tmp_path), *options)
    assert done.code == 2 and words in done.err and len(done.err.splitlines()) <= 2
