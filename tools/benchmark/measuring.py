"""Commands in processes of their own, and what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.benchmark.proxy import Proxy

ROOT = Path(__file__).resolve().parent.parent.parent
_LAUNCHER = Path(__file__).with_name("launcher.py")
_KIBIBYTES_PER_MEBIBYTE = 1024


class CommandFailed(Exception):
    """A command that was measured ended with an error; the text is the end of what it said."""


@dataclass(frozen=True)
class Cost:
    """What one command cost its process and the network.

    CPU (user and system) and wall in seconds, from its start to its end; the peak of its resident memory in MiB (see
    :mod:`tools.benchmark.launcher`); bytes are heads and bodies in both directions.
    """

    requests: int
    bytes: int
    cpu: float
    wall: float
    peak: float


def measure(command: Sequence[str], proxy: Proxy, environment: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run a command to its end; its cost, and what it printed. :raises CommandFailed: it ended with an error."""
    proxy.take()
    with tempfile.NamedTemporaryFile("r") as told:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCHER), told.name, *command],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}\n{done.stdout[-4000:]}")
        spent = json.load(told)
    traffic = proxy.take()
    peak = spent["kibibytes"] / _KIBIBYTES_PER_MEBIBYTE
    return Cost(traffic.requests, traffic.bytes, spent["cpu"], spent["wall"], peak), done.stdout


def python(module: str, *words: str) -> list[str]:
    """The command line of a module of ours."""
    return [sys.executable, "-m", module, *words]
