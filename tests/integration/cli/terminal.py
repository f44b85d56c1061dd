"""A program on a real (pseudo) terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SECONDS = 30.0


@dataclass(frozen=True)
class Seen:
    """What a person saw, and the exit code."""

    text: str
    exit_code: int


def on_terminal(
    command: Sequence[str], *, columns: int = 80, environ: Mapping[str, str] | None = None, answers: Mapping[str, str]
) -> Seen:
    """Run a program that talks to a terminal; ``answers`` are typed when their question appears."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm"} | dict(environ or {})
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    read, waiting = b"", dict(answers)
    try:
        while part := _part(ours):
            read += part
            for question in [each for each in waiting if each.encode() in read]:
                os.write(ours, waiting.pop(question).encode() + b"\n")
        return Seen(read.decode(), process.wait(SECONDS))
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def _part(terminal: int) -> bytes:
    """What is written next; nothing once the program has closed the terminal."""
    if not select.select([terminal], [], [], SECONDS)[0]:
        return b""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
