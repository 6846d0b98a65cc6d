"""Starts the workers of a flowgraph, watches over them, and sees to it that all of them end."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any

import zmq

from blocks.runtime.control import pack, unpack
from blocks.runtime.counters import Counters
from blocks.runtime.errors import BlockError
from blocks.runtime.process import run_in_process
from blocks.runtime.worker import Worker
from blocks.runtime.worker_spec import WorkerSpec

_GRACE_S = 2.0
_POLL_MS = 20


@dataclass
class _Member:
    """One worker as the supervisor sees it."""

    spec: WorkerSpec
    where: str
    runner: Any = None
    endpoints: dict[int, str] | None = None
    counters: dict[str, Any] = field(default_factory=lambda: {**Counters().snapshot(), "report": {}})
    ended: bool = False
    died_of: BaseException | None = None


class Supervisor:
    """One run of a set of workers. `finished` is set when every worker has ended and nothing is left behind."""

    def __init__(self, folder: str, processes: bool):
        self.folder, self.processes = folder, processes
        self.members: dict[str, _Member] = {}
        self.results: dict[str, object] = {}
        self.error: BlockError | None = None
        self.told = False
        self.finished, self._stop, self._supervised = threading.Event(), threading.Event(), threading.Lock()
        self.went, self.ended = 0.0, 0.0

    def start(self, specs: list[WorkerSpec], where: dict[str, str]) -> None:
        """Launch the workers and return at once."""
        self.members = {spec.block.name: _Member(spec, where[spec.block.name]) for spec in specs}
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        endpoint = f"ipc://{self.folder}/control" if self.processes else "inproc://control"
        watcher = threading.Thread(target=self._supervise, name="calibeam-supervisor", daemon=True)
        try:
            self.router.bind(endpoint)
            # processes inherit the mask: Ctrl-C is for the flowgraph alone, and is delivered here as soon as all are launched;
            # the resource tracker lifts the mask when it starts, so it has to run before
            if self.processes:
                resource_tracker.ensure_running()
            unmasked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                for member in self.members.values():
                    self._launch(member, endpoint)
                watcher.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, unmasked)
        except BaseException:
            self._abandon()
            raise

    def stop(self) -> None:
        """Ask all workers to stop; `finished` tells when they have."""
        self._stop.set()

    def raise_error(self) -> None:
        """Raise what ended the run, where something did."""
        if self.error is not None:
            self.told = True
            raise self.error

    def _abandon(self) -> None:
        """End what a start that failed, or was interrupted at any place, has launched so far; nothing of it is left."""
        self._stop.set()
        for member in self.members.values():
            member.ended = member.ended or member.runner is None or member.runner.ident is None
        self._supervise()
        self.finished.wait()

    def _launch(self, member: _Member, endpoint: str) -> None:
        name = f"calibeam-{member.spec.block.name}"
        if self.processes:
            method = multiprocessing.get_context("forkserver")
            method.set_forkserver_preload(["blocks.runtime.process"])
            runner: Any = method.Process(target=run_in_process, args=(member.spec, endpoint, self.folder), name=name, daemon=True)
        else:
            runner = threading.Thread(target=self._run_in_thread, args=(member, endpoint), name=name, daemon=True)
        member.runner = runner
        runner.start()

    def _run_in_thread(self, member: _Member, endpoint: str) -> None:
        try:
            Worker(member.spec, self.context, endpoint).run()
        except BaseException as error:
            member.died_of = error

    def _supervise(self) -> None:
        if not self._supervised.acquire(blocking=False):
            return  # the other of the thread that is for it and a start that is given up does it already
        deadline = None
        try:
            while not all(member.ended for member in self.members.values()):
                with self._failing():
                    self._look()
                if deadline is None and (self.error or self._stop.is_set()):
                    deadline = time.monotonic() + _GRACE_S
                    self._stop.set()
                    with self._failing():
                        self._end_unstarted()
                        self._tell_all("stop")
                if deadline is not None and time.monotonic() > deadline:
                    with self._failing():
                        self._give_up()
                    break
            self.ended = time.monotonic()
            with self._failing():
                self._tell_all("exit")
            with self._failing():
                self._clean_up()
        finally:
            self.finished.set()

    @contextmanager
    def _failing(self, member: _Member | None = None) -> Iterator[None]:
        """Whatever goes wrong inside ends the run with an error, of that member where it is its doing."""
        try:
            yield
        except BaseException as error:
            name, where = (
                ("the flowgraph", next(iter(self.members.values())).where) if member is None else (member.spec.block.name, member.where)
            )
            what = "" if member is None else "its message to the flowgraph does not fit: "
            details = "".join(traceback.format_exception(error))
            self._fail(BlockError(name, where, "supervision", None, f"{what}{type(error).__name__}: {error}", details))

    def _look(self) -> None:
        if not self.router.poll(_POLL_MS):
            self._look_for_dead()
            return
        number, content = self.router.recv_multipart()
        member = list(self.members.values())[int(number)]
        with self._failing(member):
            self._handle(member, unpack(content))
        if self._stop.is_set() and member.endpoints is not None and not member.ended:
            self._tell(member, "stop")  # it may not have been there to hear the first one
        elif not self.went and all(m.endpoints is not None for m in self.members.values()):
            every = {number: endpoint for m in self.members.values() for number, endpoint in (m.endpoints or {}).items()}
            self.went = time.monotonic()
            self._tell_all("go", endpoints=every)

    def _handle(self, member: _Member, message: dict[str, Any]) -> None:
        kind = message["kind"]
        member.counters = message.get("counters", member.counters)
        if kind == "ready":
            member.endpoints = message["endpoints"]
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

    def _look_for_dead(self) -> None:
        for name, member in self.members.items():
            if not member.ended and not member.runner.is_alive() and not self.router.poll(0):
                member.ended = True
                phase = "start" if member.endpoints is None else "work"
                details = "".join(traceback.format_exception(member.died_of)) if member.died_of else ""
                self._fail(BlockError(name, member.where, phase, None, f"its worker died ({self._cause_of_death(member)})", details))

    def _cause_of_death(self, member: _Member) -> str:
        if not self.processes:
            return f"{type(member.died_of).__name__}: {member.died_of}"
        code = member.runner.exitcode
        cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if member.endpoints is None:
            cause += '; a script that uses worker processes has to run them below `if __name__ == "__main__":`'
        return cause

    def _fail(self, error: BlockError) -> None:
        self.error = self.error or error

    def _tell_all(self, kind: str, **extra: Any) -> None:
        for member in self.members.values():
            self._tell(member, kind, **extra)

    def _tell(self, member: _Member, kind: str, **extra: Any) -> None:
        self.router.send_multipart([str(member.spec.number).encode(), pack({"kind": kind, **extra})])

    def _end_unstarted(self) -> None:
        """A process that is still on its way to its block's start has nothing to lose, and does not hear of the stop before it is there."""
        for member in self.members.values():
            if self.processes and not member.ended and member.endpoints is None:
                member.runner.kill()
                member.ended = True

    def _give_up(self) -> None:
        for name, member in self.members.items():
            if not member.ended:
                if self.processes:
                    member.runner.kill()
                self._fail(BlockError(name, member.where, "stop", None, f"did not stop within {_GRACE_S:g} s"))

    def _clean_up(self) -> None:
        left = []
        for member in self.members.values():
            if member.runner is not None and member.runner.ident is not None:
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
