"""Runs points of a sweep on Dask workers: of this machine, of a scheduler elsewhere, or of Slurm."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from flowgraphs.experiments.points import Point, read_point, run_point, stamped, write_point

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def need_cluster(slurm: int | None = None) -> None:
    """Raise ImportError, with the extra to install, where what sweeps need is not there."""
    try:
        import distributed  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(f"sweeps run on Dask and keep their results in Parquet ({error}): pip install 'calibeam[cluster]'") from None
    if slurm is not None:
        try:
            import dask_jobqueue  # noqa: F401
        except ImportError as error:
            raise ImportError(f"sweeps as Slurm jobs need more ({error}): pip install 'calibeam[slurm]'") from None


@contextmanager
def dask_client(workers: int, scheduler: str | None, slurm: int | None):
    """A Dask client: of `workers` processes here, of the scheduler at an address, or of `slurm` jobs (set up in Dask's jobqueue.yaml).

    Raises OSError where no scheduler answers.
    """
    import dask
    from distributed import Client, LocalCluster

    dask.config.set(
        {
            "distributed.worker.daemon": False,
            "distributed.scheduler.allowed-failures": 5,
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.nanny.pre-spawn-environ": _ONE_THREAD,
            "distributed.comm.timeouts.connect": "5s",
        }
    )
    if scheduler is not None:
        with Client(scheduler, timeout=5) as client:
            yield client
    elif slurm is not None:
        from dask_jobqueue import SLURMCluster

        with SLURMCluster() as cluster, Client(cluster) as client:
            cluster.scale(jobs=slurm)
            yield client
    else:
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs="CRITICAL"
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def run_points(
    points: list[Point],
    folder: Path,
    console: Console,
    workers: int = os.cpu_count() or 1,
    scheduler: str | None = None,
    slurm: int | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(rates by point name, errors by point name); what `folder` has is not run again, and each point is written as it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    points = [stamped(p) for p in points]
    kept = {p.name: read_point(p, folder) for p in points}
    done = {name: rates for name, rates in kept.items() if rates is not None}
    todo = sorted((p for p in points if p.name not in done), key=_size, reverse=True)
    errors: dict[str, str] = {}
    if done:
        console.print(f"{len(done)} of {len(points)} points are there already")
    if not todo:
        return done, errors
    from distributed import as_completed

    with dask_client(min(workers, len(todo)), scheduler, slurm) as client, _progress(len(todo), console) as advance:
        if not client.scheduler_info()["workers"]:
            console.print("waits for workers")
        keys = [(f"points-{os.getpid()}-{time.time_ns()}", index) for index in range(len(todo))]
        futures = dict(zip(client.map(run_point, todo, key=keys, pure=False), todo, strict=True))
        for future in as_completed(futures):
            point = futures[future]
            try:
                rates = future.result()
                write_point(point, rates, folder)
                done[point.name] = rates
            except Exception as error:
                errors[point.name] = str(error).splitlines()[0] if str(error) else type(error).__name__
                console.print(f"failed: {point.name}: {errors[point.name]}", soft_wrap=True)
            future.release()
            advance(point)
    return done, errors


def _size(point):
    """A measure of a point's time; the long ones go first, so that none is left for one worker at the end."""
    iterative = point.method.startswith(("wmmse", "fingerprint"))
    return iterative, point.blocks * point.settings.get("users", 8) ** 3


@contextmanager
def _progress(total, console):
    if console.is_terminal:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[last]}"), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=total, last="")
            yield lambda point: bar.update(task, advance=1, last=point.name)
        return
    began, count = time.monotonic(), [0]

    def line(point):
        count[0] += 1
        left = (time.monotonic() - began) / count[0] * (total - count[0])
        console.print(f"{count[0]}/{total}  {point.name}  {left:.0f} s left", soft_wrap=True)

    yield line
