"""A process dies with the one that started it, even where that one is killed by SIGKILL and can't say so.

On Linux the kernel does it (``PR_SET_PDEATHSIG``, prctl(2)): the setting survives exec and counts for the thread that
forked, so fork from a thread that stays. A fork does not inherit it, so programs that fork set it in each fork
(:func:`tie_forks`). Elsewhere a pipe is held open by the one that must live: its end of file tells the others.

This file is also a script, ``ties.py PARENT LIFELINE PROGRAM ARGUMENT...``: it ties itself to the process PARENT and
becomes PROGRAM. LIFELINE is the descriptor of such a pipe, or ``-`` where the kernel is asked. It imports nothing of
calbridge, so it starts without waiting for the environment of Python.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading

BY_KERNEL = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1


def tie_forks(*, by_kernel: bool = BY_KERNEL) -> None:
    """From now on every fork of this process (``os.fork``) is killed when this process ends."""
    tie = _ForksByKernel() if by_kernel else _ForksByPipe()
    os.register_at_fork(before=tie.before, after_in_child=tie.in_child)


class _ForksByKernel:
    def __init__(self) -> None:
        # Loaded before any fork: a fork of a process with threads must not load libraries.
        self._die_with = _Death()
        self._parent = os.getpid()

    def before(self) -> None:
        self._parent = os.getpid()

    def in_child(self) -> None:
        self._die_with(self._parent)


class _ForksByPipe:
    def __init__(self) -> None:
        self._held_by = os.getpid()
        self._reading, self._writing = os.pipe()

    def before(self) -> None:
        if self._held_by != os.getpid():
            self._held_by = os.getpid()
            self._reading, self._writing = os.pipe()

    def in_child(self) -> None:
        os.close(self._writing)
        threading.Thread(target=_end_with, args=(self._reading,), daemon=True).start()


def _end_with(reading: int) -> None:
    os.read(reading, 1)
    os.kill(os.getpid(), signal.SIGKILL)


class _Death:
    """Asks the kernel to kill this process when its parent ends."""

    def __init__(self) -> None:
        import ctypes

        self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def __call__(self, parent: int) -> None:
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            # It died before the kernel was asked.
            os._exit(1)


def _leave_watcher(lifeline: int) -> None:
    """Leave a process behind that kills our group at the lifeline's end of file, and goes when we are gone."""
    ended, held = os.pipe()
    if os.fork():
        os.set_inheritable(held, True)
        os.close(ended)
        os.close(lifeline)
        return
    os.close(held)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    ready, _, _ = select.select([lifeline, ended], [], [])
    if lifeline in ready:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


def _main(parent: str, lifeline: str, *command: str) -> None:
    if lifeline == "-":
        _Death()(int(parent))
    else:
        _leave_watcher(int(lifeline))
    os.execvp(command[0], command)


if __name__ == "__main__":
    _main(*sys.argv[1:])
