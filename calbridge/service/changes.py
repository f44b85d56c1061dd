"""The change feed: what happened in My Calendar since a cursor (SYNC E3)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from calbridge.errors import Refused
from calbridge.service.change_views import ChangePage, change_views
from calbridge.service.parts import Parts
from calbridge.service.values import invalid, number
from calbridge.store.columns import digest, from_micros, micros
from calbridge.store.retention import TOMBSTONES
from calbridge.store.tenants import Tenant

LATEST = "latest"
"""Instead of a cursor: nothing of the past, only the place where the feed stands."""
LONGEST = 200
PAGE = 200
LIFE = TOMBSTONES - timedelta(days=1)
"""How long a cursor is good: what comes after it is forgotten a day later at the earliest."""
RECIPE = "ask for cursor=latest and keep its next_cursor, list all items, then go on from that cursor"


@dataclass(frozen=True, slots=True)
class _Place:
    """``seq`` was the last change told, ``at`` a time before which nothing is left to tell."""

    seq: int
    at: datetime


def list_changes(
    parts: Parts,
    tenant: str,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
    user_id: str | None = None,
    own: bool = False,
) -> ChangePage:
    """Changes after ``cursor`` in their order; from the oldest that is kept without one, none with ``latest``.

    ``user_id``: of one user only. ``own``: also what the caller's key wrote itself. The page's cursor misses nothing
    that is stored later. Raises Refused (``tenant_not_found``, ``user_not_found``, ``invalid_value``,
    ``cursor_expired``: older than the feed, or from before a restored backup).
    """
    number(limit, "limit", 1, PAGE)
    with parts.database.read(tenant) as work:
        told = work.settings.get()
        if user_id is not None:
            work.users.require(user_id)
        if cursor == LATEST:
            return ChangePage((), _encode(told, _Place(told.seq, work.now)))
        seq = 0 if cursor is None else _decode(cursor, told, work.now)
        but_key = None if own else parts.actor.source.key
        found = work.changes_after(seq, limit, user_id, but_key)
        # A page that is not full has seen all that this unit of work sees, left out or not.
        end = _Place(told.seq, work.now) if len(found) < limit else _Place(found[-1].seq, found[-1].at)
        return ChangePage(tuple(change_views(work, found)), _encode(told, end))


def _encode(tenant: Tenant, place: _Place) -> str:
    facts = [digest(tenant.id)[:8], tenant.epoch, place.seq, micros(place.at)]
    return base64.urlsafe_b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str, tenant: Tenant, now: datetime) -> int:
    """The seq to go on after. Raises Refused."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError
        facts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        owner, epoch, seq, at = facts
        if any(type(each) is not int for each in (epoch, seq, at)) or owner != digest(tenant.id)[:8]:
            raise ValueError
        taken = from_micros(at)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise invalid("cursor", "must be the next_cursor of an earlier answer") from None
    if epoch != tenant.epoch or seq > tenant.seq or taken < now - LIFE:
        raise Refused(RECIPE, code="cursor_expired")
    return int(seq)
