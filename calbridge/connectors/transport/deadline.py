"""A point in time after which nothing more is waited for."""

from __future__ import annotations

import time


class Deadline:
    """Made from seconds from now; monotonic, so a changed clock does not move it."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def postpone(self, seconds: float) -> None:
        """So much later."""
        self._at += seconds

    def remaining(self) -> float:
        """Seconds left, above zero. Raises TimeoutError when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this request is used up")
        return left
