"""Starting the process that supervises, and finding what it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = str(Path(__file__).with_name("host.py"))
SECONDS = 60.0


@dataclass(frozen=True)
class Hosted:
    """The supervising process and the folder it works in."""

    process: subprocess.Popen[str]
    folder: Path

    def notes(self) -> list[tuple[str, str, int]]:
        """What the stand-ins wrote down: name, event, process."""
        notebook = self.folder / "notebook"
        lines = notebook.read_text(encoding="ascii").splitlines() if notebook.exists() else []
        return [(name, event, int(pid)) for name, event, pid in (line.split() for line in lines)]

    def events(self, *wanted: str) -> list[str]:
        """Names and events in their order, only those events where some are wanted."""
        return [f"{name} {event}" for name, event, _ in self.notes() if not wanted or event in wanted]

    def pids(self) -> list[int]:
        """Every process that wrote something down."""
        return sorted({pid for _, _, pid in self.notes()})

    def until_ready(self) -> None:
        """Wait until all parts are ready."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "all ready\n"

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds."""
        until(condition)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def hosted(folder: Path, stages: Sequence[Sequence[dict[str, Any]]], tie: str = "kernel") -> Iterator[Hosted]:
    """A supervisor over these stages; killed at the end, with whatever is left."""
    command = [sys.executable, HOST, str(folder), tie, json.dumps(stages)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    running = Hosted(process, folder)
    try:
        yield running
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)
        for pid in running.pids():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fails after a minute."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
