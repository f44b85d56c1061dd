"""A child process that serves on a loopback port and never outlives us."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

START_SECONDS = 30.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.02
FRESH_PORTS_TRIED = 5
FIRST_PORT = 20_000

# Runs in the child before the server: PR_SET_PDEATHSIG (1) survives exec, so the kernel kills the server when the
# thread that started it ends, however it ends. The second look at the parent closes the gap before the call.
_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerDidNotStart(RuntimeError):
    """The server process ended or stayed silent; the message holds the end of its log."""


def free_port() -> int:
    """A loopback port that nobody listens on at this moment, nor is likely to before it is used.

    It lies below those that the kernel gives to outgoing connections, and in this process's own share of them; none is
    told twice in a row.
    """
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")


def _own_ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = range(FIRST_PORT + worker, _first_outgoing(), workers)
    begin = random.randrange(len(share))
    return itertools.cycle([*share[begin:], *share[:begin]])


def _first_outgoing() -> int:
    """Where the ports of outgoing connections begin: as Linux tells it, else as RFC 6335 has it."""
    try:
        told = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        told = 49_152
    return told if told > FIRST_PORT + 1000 else 49_152


_PORTS = _own_ports()


class ServerProcess:
    """One server program: started until it answers, stopped with its whole process group.

    ``command`` makes the argument list for a port. The first start may choose another port when somebody took the
    chosen one meanwhile; later starts keep it. Start it from a thread that lives as long as the server should.
    """

    def __init__(
        self, command: Callable[[int], Sequence[str]], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log_file: IO[bytes] | None = None
        self.log = log
        self.port = 0

    @property
    def pid(self) -> int | None:
        """Process id while running, else ``None``."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start and wait until the port answers HTTP.

        :raises ServerDidNotStart: the program ended, or no answer came within ``START_SECONDS``.
        """
        if self._process is not None:
            return
        ports = [self.port] if self.port else [free_port() for _ in range(FRESH_PORTS_TRIED)]
        for tried, port in enumerate(ports, start=1):
            self._spawn(port)
            if self._wait_until_ready(port):
                self.port = port
                return
            self.stop()
            if tried == len(ports):
                raise ServerDidNotStart(self.log.read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """Stop the program and what it started; does nothing if it is not running."""
        process, self._process = self._process, None
        if process is not None:
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal_number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
                    break
        if self._log_file is not None:
            self._log_file.close()
            self._log_file = None

    def _spawn(self, port: int) -> None:
        self._log_file = self.log.open("ab")
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        self._process = subprocess.Popen(
            [*launcher, *self._command(port)],
            stdin=subprocess.DEVNULL,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
            start_new_session=True,
        )

    def _wait_until_ready(self, port: int) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            if _answers(port):
                # A stranger on this port would make our own program end at once with "address in use".
                return self._process.poll() is None
            time.sleep(POLL_SECONDS)
        return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("OPTIONS", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
