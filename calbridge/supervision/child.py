"""One running part."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from calbridge.supervision import ties
from calbridge.supervision.notify import ReadySocket
from calbridge.supervision.part import Part, delay_before_restart, failures_after


class Child:
    """A part and the process that is it at the moment.

    ``folder`` is where its socket for readiness lies. ``lifeline``: descriptor of the pipe that ends with us, where
    the kernel can't be asked. Use it from one thread only, which must stay.
    """

    def __init__(self, part: Part, folder: Path, lifeline: int | None) -> None:
        self.part = part
        self.restart_at: float | None = None
        self._lifeline = lifeline
        self._failures = 0
        self._started = 0.0
        self._ready = False
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = None if part.ready or part.once else ReadySocket(folder / f"{part.name}.ready")

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it in a session of its own, so that what a terminal sends reaches only us."""
        self.restart_at = None
        self._ready = False
        self._started = time.monotonic()
        if self._socket is not None:
            self._socket.heard()
        lifeline = () if self._lifeline is None else (self._lifeline,)
        told = str(self._lifeline) if lifeline else "-"
        launcher = [sys.executable, "-I", "-S", ties.__file__, str(os.getpid()), told]
        with self._output() as output:
            self._process = subprocess.Popen(
                [*launcher, *self.part.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(),
                pass_fds=lifeline,
                start_new_session=True,
            )

    def ended(self) -> int | None:
        """Its exit code (the negative signal where it was killed) if it ended; what it left behind is killed then."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None:
            self._signal(signal.SIGKILL)
            self._process = None
        return code

    def is_ready(self) -> bool:
        """Whether it can work; asked until it is, and then remembered."""
        if not self._ready and self._process is not None:
            if self.part.ready is not None:
                self._ready = self.part.ready()
            elif self._socket is not None:
                self._ready = self._socket.heard()
        return self._ready

    def failed(self) -> float:
        """It ended without being asked: start it again after these seconds."""
        now = time.monotonic()
        self._failures = failures_after(self._failures, now - self._started)
        delay = delay_before_restart(self._failures)
        self.restart_at = now + delay
        return delay

    def ask_to_stop(self) -> None:
        """Ask the process itself; what it forked is its business."""
        self.restart_at = None
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its group now."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Nothing of it is needed any more."""
        if self._socket is not None:
            self._socket.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _environment(self) -> Mapping[str, str]:
        told = self._socket.environment if self._socket is not None else {}
        ours = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        return {**ours, **self.part.environment, **told}

    @contextlib.contextmanager
    def _output(self) -> Iterator[IO[bytes] | None]:
        if self.part.log is None:
            yield None
        else:
            with self.part.log.open("wb") as file:
                yield file
