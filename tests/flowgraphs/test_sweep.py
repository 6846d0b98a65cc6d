import json
import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from pyarrow import csv, parquet

from flowgraphs import sweep
from flowgraphs.experiments.points import Point, read_point, run_point
from flowgraphs.wiring.command_line import run
from sim.world.tracer import trace
from tests.program import finished, started, until
from tests.sim.world.test_deepmimo import ROOM, write_v4


def main():
    run(sweep.app)


def results_of(folder):
    """The one folder of results beside the points."""
    [found] = [each for each in folder.iterdir() if each.name != "points"]
    return found


BASE = ["--method", "zf", "--method", "wmmse", "--set", "antennas=16", "--blocks", "40", "--workers", "2"]
ELSEWHERE = [*BASE[:-2], "--set", "users=4"]
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
    rows = csv.read_csv(results_of(folder) / "results.csv").to_pylist()
    assert [row["blocks"] for row in rows] == [4500] * 4
    point = Point("wmmse", {"antennas": 16, "users": 6}, 2, 1500)
    np.testing.assert_array_equal(read_point(point, folder / "points"), run_point(point))


def test_a_sweep_gives_a_table_and_goes_on_without_repeating(command, tmp_path):
    done = command(main, *BASE, "--set", "users=2,4", "--out", str(tmp_path))
    assert done.code == 0, done.err
    assert "ZF" in done.out and "4/4" in done.out
    first = results_of(tmp_path)
    stamps = {f: f.stat().st_mtime_ns for f in (tmp_path / "points").iterdir()}
    again = command(main, *BASE, "--set", "users=2,4,6", "--out", str(tmp_path))
    assert "4 of 6 points are there already" in again.out
    assert {f: f.stat().st_mtime_ns for f in stamps} == stamps
    [second] = {each for each in tmp_path.iterdir() if each.name != "points"} - {first}
    assert len(csv.read_csv(first / "results.csv")) == 4
    rows = csv.read_csv(second / "results.csv").to_pylist()
    assert {(r["method"], r["users"]) for r in rows} == {(m, k) for m in ("zf", "wmmse") for k in (2, 4, 6)}
    assert parquet.read_table(second / "results.parquet").num_rows == 6
    configuration = json.loads((second / "configuration.json").read_text())
    assert configuration["grid"] == {"antennas": [16], "users": [2, 4, 6]} and "torch" in configuration["versions"]


def test_a_failing_point_is_told_of_and_the_others_go_on(command, tmp_path):
    done = command(main, *BASE, "--set", "users=4,17", "--out", str(tmp_path))
    assert done.code == 1
    assert "failed: zf,antennas=16,users=17,seed=0" in done.out and "users=17" in done.err
    assert {r["users"] for r in csv.read_csv(results_of(tmp_path) / "results.csv").to_pylist()} == {4}


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
        done = command(main, *ELSEWHERE, "--out", str(tmp_path), "--scheduler", cluster.scheduler_address)
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
        done = command(main, *ELSEWHERE, "--out", str(tmp_path / "out"), "--slurm", "1")
    assert done.code == 0, done.err
    assert "wrote" in done.out


def test_a_plan_comes_from_yaml_and_options_win(command, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("methods: [mrt]\ngrid:\n  antennas: [16]\n  users: [2, 3]\nblocks: 300\nreference: mrt\n")
    done = command(main, str(plan), "--blocks", "20", "--set", "users=5", "--workers", "1", "--out", str(tmp_path / "out"))
    assert done.code == 0, done.err
    [row] = csv.read_csv(results_of(tmp_path / "out") / "results.csv").to_pylist()
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
    done = command(main, str(plan), "--out", str(tmp_path / "out"))
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
        (["--set", "users=a"], "users=a: users takes a whole number"),
        (["--set", "noise_dbm=loud"], "noise_dbm takes a number"),
        (["--set", "seed=4"], "--seeds"),
        (["--reference", "mrt"], "mrt is none of the methods"),
        (["--workers", "2", "--slurm", "1"], "the points run elsewhere"),
        (["--transmitter", "1"], "it is for --deepmimo"),
        (["--scheduler", "tcp://127.0.0.1:1"], "127.0.0.1:1"),
    ],
)
def test_bad_options_are_named(command, tmp_path, options, words):
    done = command(main, "--out", str(tmp_path), *options)
    assert done.code == 2 and words in done.err and len(done.err.splitlines()) <= 2


QUICK = ["--method", "zf", "--set", "antennas=16", "--set", "users=2", "--workers", "1"]


def test_sweeps_of_two_plans_lie_apart_and_the_same_plan_goes_on_in_its_folder(command, tmp_path):
    for blocks in ("20", "30", "20"):
        done = command(main, *QUICK, "--blocks", blocks, "--out", tmp_path)
        assert done.code == 0, done.err
    assert "1 of 1 points are there already" in done.out
    folders = [each for each in tmp_path.iterdir() if each.name != "points"]
    assert sorted(csv.read_csv(each / "results.csv").to_pylist()[0]["blocks"] for each in folders) == [20, 30]


def test_a_name_is_for_one_plan(command, tmp_path):
    assert command(main, *QUICK, "--blocks", "20", "--out", tmp_path, "--name", "mine").code == 0
    assert (tmp_path / "mine" / "results.csv").is_file()
    before = (tmp_path / "mine" / "results.csv").read_bytes()
    done = command(main, *QUICK, "--blocks", "30", "--out", tmp_path, "--name", "mine")
    assert done.code == 2 and "holds the results of another plan" in done.err
    assert (tmp_path / "mine" / "results.csv").read_bytes() == before


def test_rates_of_every_block_are_written_where_asked_for(command, tmp_path):
    done = command(main, *QUICK, "--blocks", "20", "--seeds", "2", "--out", tmp_path, "--rates", "--name", "mine")
    assert done.code == 0, done.err
    rows = parquet.read_table(tmp_path / "mine" / "rates.parquet").to_pylist()
    assert [(r["method"], r["users"], r["seed"], r["block"]) for r in rows] == [("zf", 2, s, b) for s in range(2) for b in range(20)]
    [summary] = csv.read_csv(tmp_path / "mine" / "results.csv").to_pylist()
    assert np.mean([r["rate"] for r in rows]) == pytest.approx(summary["rate"])


def test_a_precoder_of_a_users_own_is_a_method(command, tmp_path):
    file = tmp_path / "my.py"
    file.write_text("from blocks import ZFPrecoder\n\n\nclass Mine(ZFPrecoder):\n    pass\n")
    done = command(main, *QUICK, "--method", f"{file}:Mine", "--blocks", "20", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    rates = [row["rate"] for row in csv.read_csv(results_of(tmp_path / "out") / "results.csv").to_pylist()]
    assert rates[0] == rates[1] and "Mine, perfect CSI" in done.out


def test_a_world_of_deepmimo_is_swept(command, tmp_path):
    table = trace(ROOM, ROOM.positions())
    folders = [write_v4(tmp_path / name, table, carrier, "npz") for carrier, name in enumerate(("up", "down"))]
    options = [*QUICK, "--blocks", "20", "--out", tmp_path / "out", "--deepmimo", *folders]
    done = command(main, *options)
    assert done.code == 0, done.err
    configuration = json.loads((results_of(tmp_path / "out") / "configuration.json").read_text())
    assert configuration["world"] == {"deepmimo": folders}


def test_what_sweeps_need_is_named_with_its_extra(command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = command(main, *QUICK, "--out", tmp_path)
    assert done.code == 2 and "pip install 'calibeam[cluster]'" in done.err
