"""Since when a worker process is at its job, told to its parent in memory that both see."""

from __future__ import annotations

import mmap
import struct
import time

_FORM = struct.Struct("d")


class Timekeeper:
    """Made before the fork; the child writes, the parent reads. One clock counts for all processes of a machine."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _FORM.size)

    def begin(self) -> None:
        """A job begins now."""
        _FORM.pack_into(self._memory, 0, time.monotonic())

    def end(self) -> None:
        """No job is at work."""
        _FORM.pack_into(self._memory, 0, 0.0)

    def seconds(self) -> float:
        """For how long the job is at work; 0 where there is none."""
        (since,) = _FORM.unpack_from(self._memory, 0)
        return time.monotonic() - since if since else 0.0

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
