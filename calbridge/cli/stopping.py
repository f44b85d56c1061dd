"""Stopping a verb that is at work: first where nothing is left half done, then at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HEARD = b"\nStopping at the next page. Once more stops at once.\n"


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Whether somebody wants an end, by Ctrl-C or SIGTERM; who says so twice gets it at once, as KeyboardInterrupt."""
    asked = False

    def hear(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # Not by the stream, in whose middle the signal may have come.
        with suppress(OSError):
            os.write(2, _HEARD)

    before = {number: signal.signal(number, hear) for number in _SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
