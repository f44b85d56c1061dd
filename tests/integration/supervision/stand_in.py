"""A small program in the place of a real part: `stand_in.py NOTEBOOK NAME WORD...`. It notes down what it does.

Words: `silent` tells nobody that it is ready; `forks` has a child of its own, `forks-by-pipe` one
that is tied by a pipe; `own-group` lets that child have a group of its own; `stubborn` does not end on SIGTERM;
`ends` ends with exit code 3 at once, `once` with 0; Without those it ends with 4 when the file NAME.end appears.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from calbridge.supervision.notify import take_socket, tell_ready
from calbridge.supervision.ties import BY_KERNEL, tie_forks


def main(notebook: str, name: str, *words: str) -> int:
    def note(event: str) -> None:
        with open(notebook, "a", encoding="ascii") as file:
            file.write(f"{name} {event} {os.getpid()}\n")

    def stop(number: int, frame: FrameType | None) -> None:
        note("asked")
        if "stubborn" not in words:
            note("stopped")
            os._exit(0)

    where = take_socket()
    forks = any(word.startswith("forks") for word in words)
    if not forks:
        signal.signal(signal.SIGTERM, stop)
    note("started")
    if "ends" in words or "once" in words:
        return 3 if "ends" in words else 0
    if forks:
        tie_forks(by_kernel=BY_KERNEL and "forks-by-pipe" not in words)
        _fork(note, own_group="own-group" in words)
        signal.signal(signal.SIGTERM, stop)
    if "silent" not in words:
        note("ready")
        tell_ready(where)
    while not Path(notebook).with_name(f"{name}.end").exists():
        time.sleep(0.02)
    note("ends")
    return 4


def _fork(note, *, own_group: bool) -> None:  # type: ignore[no-untyped-def]
    if os.fork() == 0:
        if own_group:
            os.setpgrp()
        note("forked")
        while True:
            time.sleep(60)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
