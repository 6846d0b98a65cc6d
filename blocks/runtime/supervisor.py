"""Starts the workers of a flowgraph, watches over them, and sees to it that all of them end."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any

import zmq

from blocks.runtime.control import pack, unpack
from blocks.runtime.counters import Counters
from blocks.runtime.errors import BlockError
from blocks.runtime.process import run_in_process
from blocks.runtime.worker import Worker, WorkerSpec

_GRACE_S = 2.0
_POLL_MS = 20


@dataclass
class _Member:
    """One worker as the supervisor sees it."""

    spec: WorkerSpec
    where: str
    runner: Any = None
    endpoints: dict[int, str] | None = None
    counters: dict = field(default_factory=lambda: {**Counters().snapshot(), "report": {}})
    ended: bool = False


class Supervisor:
    """One run of a set of workers. `finished` is set when every worker has ended and nothing is left behind."""

    def __init__(self, folder: str, processes: bool):
        self.folder, self.processes = folder, processes
        self.members: dict[str, _Member] = {}
        self.results: dict[str, object] = {}
        self.error: BlockError | None = None
        self.finished, self._stop = threading.Event(), threading.Event()
        self.went, self.ended = 0.0, 0.0

    def start(self, specs: list[WorkerSpec], where: dict[str, str]) -> None:
        """Launch the workers and return at once."""
        self.members = {spec.block.name: _Member(spec, where[spec.block.name]) for spec in specs}
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        endpoint = f"ipc://{self.folder}/control" if self.processes else "inproc://control"
        try:
            self.router.bind(endpoint)
            # processes inherit the mask: Ctrl-C is for the flowgraph alone, and is delivered here as soon as all are launched;
            # the resource tracker lifts the mask when it starts, so it has to run before
            if self.processes:
                resource_tracker.ensure_running()
            unmasked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                for member in self.members.values():
                    member.runner = self._launch(member.spec, endpoint)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, unmasked)
        except BaseException:
            self._clean_up()
            raise
        threading.Thread(target=self._supervise, name="calibeam-supervisor", daemon=True).start()

    def stop(self) -> None:
        """Ask all workers to stop; `finished` tells when they have."""
        self._stop.set()

    def _launch(self, spec, endpoint):
        name = f"calibeam-{spec.block.name}"
        if self.processes:
            method = multiprocessing.get_context("forkserver")
            method.set_forkserver_preload(["blocks.runtime.process"])
            runner: Any = method.Process(target=run_in_process, args=(spec, endpoint, self.folder), name=name, daemon=True)
        else:
            runner = threading.Thread(target=lambda: Worker(spec, self.context, endpoint).run(), name=name, daemon=True)
        runner.start()
        return runner

    def _supervise(self):
        deadline = None
        try:
            while not all(member.ended for member in self.members.values()):
                if self.router.poll(_POLL_MS):
                    number, content = self.router.recv_multipart()
                    self._handle(list(self.members.values())[int(number)], unpack(content))
                else:
                    self._look_for_dead()
                if deadline is None and (self.error or self._stop.is_set()):
                    self._tell_all("stop")
                    deadline = time.monotonic() + _GRACE_S
                if deadline is not None and time.monotonic() > deadline:
                    self._give_up()
                    break
            self.ended = time.monotonic()
            self._tell_all("exit")
        finally:
            self._clean_up()
            self.finished.set()

    def _handle(self, member, message):
        kind = message["kind"]
        member.counters = message.get("counters", member.counters)
        if kind == "ready":
            member.endpoints = message["endpoints"]
            if all(m.endpoints is not None for m in self.members.values()):
                every = {number: endpoint for m in self.members.values() for number, endpoint in (m.endpoints or {}).items()}
                self.went = time.monotonic()
                self._tell_all("go", endpoints=every)
        elif kind == "done":
            member.ended = True
            self.results.update(message["results"])
        elif kind == "error":
            member.ended = True
            index = message["index"]
            self._fail(
                BlockError(
                    message["block"], member.where, message["phase"], tuple(index) if index else None, message["reason"], message["details"]
                )
            )

    def _look_for_dead(self):
        for name, member in self.members.items():
            if not member.ended and not member.runner.is_alive() and not self.router.poll(0):
                member.ended = True
                code = getattr(member.runner, "exitcode", None)
                cause = f"killed by {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"
                if member.endpoints is None:
                    cause += '; a script that uses worker processes has to run them below `if __name__ == "__main__":`'
                self._fail(
                    BlockError(name, member.where, "start" if member.endpoints is None else "work", None, f"its worker died ({cause})")
                )

    def _fail(self, error):
        self.error = self.error or error

    def _tell_all(self, kind, **extra):
        for member in self.members.values():
            self.router.send_multipart([str(member.spec.number).encode(), pack({"kind": kind, **extra})])

    def _give_up(self):
        for name, member in self.members.items():
            if not member.ended:
                if self.processes:
                    member.runner.kill()
                self._fail(BlockError(name, member.where, "stop", None, f"did not stop within {_GRACE_S:g} s"))

    def _clean_up(self):
        left = []
        for member in self.members.values():
            if member.runner is not None:
                member.runner.join(_GRACE_S if member.ended else 0.2)
                if member.runner.is_alive():
                    if self.processes:
                        member.runner.kill()
                        member.runner.join()
                    else:
                        left.append(member)
        self.router.close(linger=0)
        if not left:
            self.context.term()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_folder() -> str:
    """A fresh private folder for the socket files of one run."""
    return tempfile.mkdtemp(prefix=f"calibeam-{os.getpid()}-")
