"""What a supervisor starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
GOOD_LIFE = 30.0
"""Seconds after which a part counts as healthy: what happened before is forgotten."""


@dataclass(frozen=True)
class Part:
    """One program.

    ``environment`` is added to ours. ``ready`` is asked again and again until it says yes; where it is not given the
    part tells it itself (:mod:`calbridge.supervision.notify`). ``once``: it does its work and ends, and what follows
    waits for that. ``log``: a file for its output, made anew at each start; ours where it is not given.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    once: bool = False
    start_seconds: float = 60.0
    stop_seconds: float = 15.0
    log: Path | None = None


def delay_before_restart(failures: int) -> float:
    """Seconds until a part that ended ``failures`` times in a row (1 and more) is started again."""
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - 1, 10)))


def failures_after(failures: int, lived: float) -> int:
    """How many failures in a row there are, now that the part ended after living for ``lived`` seconds."""
    return 1 if lived >= GOOD_LIFE else failures + 1
