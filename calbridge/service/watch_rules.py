"""What is to be done about the push subscriptions of an integration: decided from what is stored, and nothing else."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from calbridge.connectors.transport import backoff
from calbridge.errors import CalendarGone, ConnectorError, PermissionMissing, Rejected, Throttled
from calbridge.store.watches import ASKED, LIVE, StoredWatch

CLAIM = timedelta(minutes=5)
"""Whoever looks after an integration's subscriptions is alone so long: longer than its requests may take together."""
OVERLAP = 0.2
"""Part of a subscription's life in which it is renewed; the first quarter of that is left to chance."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
LASTING_PAUSE = 6 * 3600.0
"""Seconds before a service that said no is asked again; the last where asking again will hardly help."""
LASTING = (CalendarGone, PermissionMissing, Rejected)
ENDINGS = 5
"""Tries to end a subscription; one that can't be ended ends by itself, and nobody listens to it."""


class Wish(enum.Enum):
    """What an integration needs now."""

    PUSH = "push"
    WAIT = "wait"
    """Its account can't be used for now: what there is stays, and is doubted afterwards."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a sound subscription is for."""

    calendar_id: str
    account_id: str
    base: str

    def fits(self, watch: StoredWatch) -> bool:
        """Whether it is for the calendar and the address of now."""
        return self.renewable(watch) and watch.base == self.base

    def renewable(self, watch: StoredWatch) -> bool:
        """Whether the service can be asked to go on with it."""
        return (watch.calendar_id, watch.account_id) == (self.calendar_id, self.account_id)


@dataclass(frozen=True, slots=True)
class Plan:
    """``drop``: forget them, the service has; ``end``: end them there, too; ``doubt``: they stay, but may be silent;
    ``ask``: for a new one, in the place of ``former``. ``look_at``: when to look again, where nothing is asked."""

    drop: tuple[StoredWatch, ...] = ()
    end: tuple[StoredWatch, ...] = ()
    ask: bool = False
    former: StoredWatch | None = None
    doubt: tuple[StoredWatch, ...] = ()
    look_at: datetime | None = None


def plan(wish: Wish, wanted: Wanted | None, watches: Sequence[StoredWatch], now: datetime) -> Plan:
    """What to do. ``wanted`` goes with :attr:`Wish.PUSH`."""
    asked = [each for each in watches if each.status == ASKED]
    if under_way := [each for each in asked if each.created_at + CLAIM > now]:
        # Somebody is asking; whoever died at it is waited for once. Later than any claim of that moment ends.
        return Plan(look_at=max(each.created_at for each in under_way) + CLAIM + timedelta(seconds=1))
    held = [each for each in watches if each.status != ASKED]
    lasting = [each for each in held if each.expires_at is not None and each.expires_at > now]
    drop = tuple(each for each in watches if each not in lasting)
    if wish is Wish.WAIT:
        return Plan(drop, doubt=tuple(each for each in lasting if each.status == LIVE))
    if wish is Wish.NONE or wanted is None:
        return Plan(drop, end=tuple(lasting))
    sound = [each for each in lasting if each.status == LIVE and wanted.fits(each) and not _ages(each, now)]
    if sound and not asked:
        kept = sound[-1]
        return Plan(drop, end=tuple(each for each in lasting if each is not kept), look_at=renewal(kept, 0.0))
    # A question whose answer nobody has may have replaced what is held, so all of it is doubtful.
    former = next((each for each in reversed(lasting) if wanted.renewable(each)), None)
    return Plan(drop, tuple(each for each in lasting if each is not former), ask=True, former=former)


def _ages(watch: StoredWatch, now: datetime) -> bool:
    return now >= renewal(watch, 1.0)


def renewal(watch: StoredWatch, chance: float) -> datetime:
    """When a subscription is to be renewed: well before its end, and not all at once (``chance`` of 0 to 1)."""
    assert watch.expires_at is not None
    life = watch.expires_at - watch.created_at
    return watch.expires_at - life * OVERLAP * (1 - 0.25 * (1 - chance))


def pause(error: ConnectorError | None, tries: int, chance: float) -> timedelta:
    """How long to wait after failure number ``tries`` (0 is the first)."""
    seconds = backoff(tries, base=FIRST_PAUSE, cap=LONGEST_PAUSE, random=lambda: chance)
    if isinstance(error, Throttled) and error.retry_after is not None:
        seconds = max(seconds, min(error.retry_after, 86_400.0) * (1 + 0.1 * chance))
    if isinstance(error, LASTING):
        seconds = max(seconds, LASTING_PAUSE * (0.9 + 0.1 * chance))
    return timedelta(seconds=seconds)
