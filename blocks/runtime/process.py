"""The entry point of a worker process."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading

import zmq

from blocks.runtime.worker import Worker
from blocks.runtime.worker_spec import WorkerSpec


def run_in_process(spec: WorkerSpec, control_endpoint: str, folder: str) -> None:
    """Run one worker; Ctrl-C is left to the flowgraph, and the process ends with the flowgraph's own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    context = zmq.Context()
    Worker(spec, context, control_endpoint).run()
    context.term()


def _end_with_parent(folder: str) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
