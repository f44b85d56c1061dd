"""Runs of a sync in processes of their own that can be killed or stopped at any moment.

``python -m tests.e2e.runner INTEGRATION`` has everything imported and forks a fresh process for every line it reads, so
that a run costs no start of an interpreter. :class:`Runner` is the handle of its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from calbridge.app import build
from calbridge.errors import CalbridgeError
from calbridge.log import configure_logging
from calbridge.service.sync import sync_integration
from calbridge.service.views import to_json
from calbridge.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent.parent
TENANT = "acme"
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (negative: the signal), and the run it told of, if it came that far."""

    code: int
    run: Mapping[str, Any] | None


class Runner:
    """Starts one run at a time. What the processes log stands in ``log``."""

    def __init__(self, environment: Mapping[str, str], integration: str, log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._starter = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.runner", integration],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._pending = b""
        self._pid: int | None = None
        self._said()

    def start(self, **task: object) -> int:
        """Begin a run with the keywords of ``sync_integration``; gives the id of its process."""
        assert self._starter.stdin is not None
        self._starter.stdin.write(json.dumps(task).encode() + b"\n")
        self._starter.stdin.flush()
        self._pid = int(self._said()["pid"])
        return self._pid

    def ended(self, within: float = PATIENCE) -> Ended | None:
        """How the run ended, or None if it goes on after so many seconds."""
        told = self._tell(within)
        if told is None:
            return None
        run = None
        if "run" in told:
            run, told = told["run"], self._said()
        self._pid = None
        return Ended(int(told["exit"]), run)

    def run(self, **task: object) -> Mapping[str, Any]:
        """A run from its beginning to its end."""
        self.start(**task)
        ended = self.ended()
        assert ended is not None
        assert ended.run is not None, self.log.read_text()
        return ended.run

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process of the run."""
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def close(self) -> None:
        """End everything, also what is stopped."""
        self.signal(signal.SIGKILL)
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        self._starter.stdin.close()
        self._starter.wait(PATIENCE)
        self._starter.stdout.close()

    def _said(self) -> dict[str, Any]:
        told = self._tell(PATIENCE)
        assert told is not None, self.log.read_text()
        return told

    def _tell(self, within: float) -> dict[str, Any] | None:
        assert self._starter.stdout is not None
        until = time.monotonic() + within
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._starter.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            more = os.read(self._starter.stdout.fileno(), 65536)
            assert more, self.log.read_text()
            self._pending += more
        line, _, self._pending = self._pending.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def runner(environment: Mapping[str, str], integration: str, log: Path) -> Iterator[Runner]:
    """A runner that is ended with everything it started."""
    made = Runner(environment, integration, log)
    try:
        yield made
    finally:
        made.close()


def serve(integration: str) -> None:
    """Fork a run for every line of standard input, one after the other."""
    _say({"ready": os.getpid()})
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(integration, json.loads(line))
        _, status = os.waitpid(pid, 0)
        _say({"exit": os.waitstatus_to_exitcode(status)})


def _run(integration: str, task: Mapping[str, Any]) -> None:
    """The whole life of a forked process: it opens the database itself, and never returns."""
    try:
        _say({"pid": os.getpid()})
        with build(load_settings()) as parts:
            try:
                told = to_json(sync_integration(parts, TENANT, integration, **task))
            except CalbridgeError as error:
                told = {"status": "refused", "reason": error.code}
        _say({"run": told})
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _say(told: Mapping[str, object]) -> None:
    # One write each: the lines of two processes never mix.
    os.write(1, json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    configure_logging("warning")
    import_module("calbridge_caldav.connector")
    serve(sys.argv[1])
