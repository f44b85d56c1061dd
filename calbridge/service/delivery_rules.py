"""When a message counts as delivered, when it is tried again, and when its webhook is switched off. Pure.

Standard Webhooks: any 2xx is success, 410 asks to be left alone, redirects are not followed, and what failed is tried
again with growing pauses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from calbridge.connectors.transport import backoff

LIFE = timedelta(hours=24)
"""How long a message, or a webhook that takes nothing at all, is tried."""
LEAST_TRIES = 8
"""A message that waited for long, behind others or while nobody worked, is tried at least so often."""
BROKEN_AFTER = 5
"""Failures in a row after which the endpoint itself, and not one message, is taken to be broken."""
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 2 * 3600.0
"""Seconds between tries of one message."""
LONGEST_REST = 300.0
"""Seconds for which a broken endpoint is left alone; then one message tries it."""
LONGEST_ASKED = 3600.0
"""Seconds that an endpoint may ask for by Retry-After."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message met: an HTTP status, or the code of why there was none. ``retry_after`` in seconds."""

    status: int | None = None
    code: str | None = None
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def failure(self) -> str | None:
        """The code of the failure."""
        if self.good:
            return None
        if self.status is None:
            return self.code or "unavailable"
        return "redirect_refused" if 300 <= self.status < 400 else "webhook_refused"


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint does: failures without a success in between."""

    failing_since: datetime | None = None
    tries: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a failure. ``next_at`` None: the message is given up. ``off``: code of why the webhook is
    switched off; its messages stay until it is switched on again."""

    next_at: datetime | None
    health: Health
    off: str | None = None


def after_failure(
    health: Health, answer: Answer, attempts: int, created_at: datetime, now: datetime, random: Callable[[], float]
) -> Outcome:
    """``attempts``: failures of this message before this one."""
    since = health.failing_since or now
    tries = health.tries + 1
    rested = Health(since, tries, _rest(answer, tries, now, random))
    pause = backoff(attempts, base=FIRST_PAUSE, cap=LONGEST_PAUSE, random=random)
    next_at: datetime | None = now + timedelta(seconds=pause)
    if answer.status == GONE:
        return Outcome(next_at, rested, "webhook_gone")
    if now - since >= LIFE:
        return Outcome(next_at, rested, "webhook_failing")
    if now - created_at >= LIFE and attempts + 1 >= LEAST_TRIES:
        next_at = None
    return Outcome(next_at, rested)


def _rest(answer: Answer, tries: int, now: datetime, random: Callable[[], float]) -> datetime | None:
    """Until when the endpoint is left alone altogether."""
    seconds = 0.0
    if answer.status is None or tries >= BROKEN_AFTER:
        seconds = backoff(tries - 1, base=FIRST_PAUSE, cap=LONGEST_REST, random=random)
    if answer.retry_after is not None:
        seconds = max(seconds, min(answer.retry_after, LONGEST_ASKED))
    return now + timedelta(seconds=seconds) if seconds else None
