"""Starts parts in order, keeps them alive, and stops them in reverse."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from calbridge.errors import CalbridgeError
from calbridge.log import get_logger
from calbridge.supervision import ties
from calbridge.supervision.child import Child
from calbridge.supervision.part import Part

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.05
"""Between two looks at a part that gets ready or is about to end."""
REST_SECONDS = 5.0

log = get_logger(__name__)


class PartFailed(CalbridgeError):
    """A part did not come up."""

    default_code = "part_failed"


class _StopAsked(Exception):
    """Somebody wants all to end while it is still starting."""


class Supervisor:
    """Runs ``stages`` of parts: the parts of a stage start together, and the next stage when all of them are ready.

    ``folder`` is ours alone. Runs in the main thread, which the children are tied to. ``by_kernel``: whether the kernel
    is asked to end them with us (:mod:`calbridge.supervision.ties`).
    """

    def __init__(self, stages: Sequence[Sequence[Part]], folder: Path, *, by_kernel: bool = ties.BY_KERNEL) -> None:
        self._stages = stages
        self._folder = folder
        self._by_kernel = by_kernel
        self._children: list[list[Child]] = []
        self._asked = 0
        self._waking = -1

    def run(self, on_ready: Callable[[], None]) -> None:
        """Until SIGINT, SIGTERM or SIGHUP comes; a second one ends what is left at once.

        ``on_ready`` is called when all parts are. Raises PartFailed, OSError; nothing is left running then.
        """
        with self._signals(), self._lifeline() as lifeline:
            try:
                for stage in self._stages:
                    self._bring_up([Child(part, self._folder, lifeline) for part in stage])
                on_ready()
                while not self._asked:
                    self._tend()
                    self._wait(self._next_look())
            except _StopAsked:
                log.info("stopped_while_starting")
            finally:
                self._stop_all()

    def _bring_up(self, stage: list[Child]) -> None:
        self._children.append(stage)
        for child in stage:
            child.start()
            log.info("part_started", part=child.part.name, process=child.pid)
        begun = time.monotonic()
        waiting = list(stage)
        while waiting := [child for child in waiting if not _up(child)]:
            late = [child for child in waiting if time.monotonic() - begun > child.part.start_seconds]
            if late:
                raise PartFailed("it does not get ready", part=late[0].part.name)
            self._tend(but=waiting)
            self._wait(LOOK_SECONDS)
            if self._asked:
                raise _StopAsked

    def _tend(self, but: Sequence[Child] = ()) -> None:
        """Start again what ended and has waited; ``but`` are those that somebody else looks at."""
        for child in self._running():
            if child in but or child.part.once:
                continue
            code = child.ended()
            if code is not None:
                delay = child.failed()
                log.warning("part_ended", part=child.part.name, exit_code=code, restarts_in=delay)
            elif child.restart_at is not None and child.restart_at <= time.monotonic():
                child.start()
                log.info("part_started", part=child.part.name, process=child.pid)

    def _next_look(self) -> float:
        due = [child.restart_at for child in self._running() if child.restart_at is not None]
        return max(0.0, min([time.monotonic() + REST_SECONDS, *due]) - time.monotonic())

    def _running(self) -> list[Child]:
        return [child for stage in self._children for child in stage]

    def _stop_all(self) -> None:
        asked = self._asked
        for stage in reversed(self._children):
            self._stop(stage, hurried=lambda: self._asked > asked)
        for child in self._running():
            child.close()

    def _stop(self, stage: list[Child], hurried: Callable[[], bool]) -> None:
        for child in stage:
            child.ask_to_stop()
        begun = time.monotonic()
        left = [child for child in stage if child.pid is not None]
        while left := [child for child in left if child.ended() is None]:
            for child in left:
                if hurried() or time.monotonic() - begun > child.part.stop_seconds:
                    child.kill()
            self._wait(LOOK_SECONDS)
        for child in stage:
            log.info("part_stopped", part=child.part.name)

    @contextmanager
    def _lifeline(self) -> Iterator[int | None]:
        """The reading end of a pipe that has its end of file when we are gone; None where the kernel is asked."""
        if self._by_kernel:
            yield None
            return
        reading, writing = os.pipe()
        try:
            yield reading
        finally:
            os.close(writing)
            os.close(reading)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals and the ends of children wake :meth:`_wait`. SIGHUP stays ignored where it was (nohup)."""
        heard = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        self._waking = reading
        with ExitStack() as undo:
            undo.callback(os.close, reading)
            undo.callback(os.close, writing)
            for number in heard:
                undo.callback(signal.signal, number, signal.signal(number, self._ask))
            undo.callback(signal.signal, signal.SIGCHLD, signal.signal(signal.SIGCHLD, _nothing))
            undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writing, warn_on_full_buffer=False))
            yield

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _wait(self, seconds: float) -> None:
        ready, _, _ = select.select([self._waking], [], [], seconds)
        if ready:
            os.read(self._waking, 4096)


def _up(child: Child) -> bool:
    """Whether it is ready, or has done its work. Raises PartFailed where it ended otherwise."""
    code = child.ended()
    if code is None:
        return not child.part.once and child.is_ready()
    if child.part.once and code == 0:
        return True
    raise PartFailed("it ended before it was ready", part=child.part.name, exit_code=code)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A signal without a handler would not wake anybody."""
