"""Listing a year of My Calendar, beside the bare expansion of the same rules by dateutil."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dateutil.rrule import rrulestr

from calbridge.app import upgrade_database
from calbridge.domain.content import MASTER, Field, Span, content
from calbridge.domain.item import Item
from calbridge.domain.times import zoned
from calbridge.service.items import list_items
from calbridge.service.parts import open_parts
from calbridge.store.changes import Source
from calbridge.store.users import User
from tools.benchmark.calbridge_side import TENANT, USER, settings_for

_START, _END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
_FIRST = datetime(2025, 1, 1, 8)
_RULE = "RRULE:FREQ=YEARLY"
_DAYS = 360


def list_a_year(folder: Path, count: int) -> dict[str, float]:
    """CPU seconds for ``count`` yearly series, each once in the year: of the service, and of dateutil alone.

    :raises LookupError: the answers differ in their number.
    """
    settings = settings_for(folder)
    upgrade_database(settings)
    starts = [_FIRST + timedelta(days=number % _DAYS, minutes=number % 97) for number in range(count)]
    with open_parts(settings) as parts:
        with parts.database.system_write() as system:
            system.tenants.add(TENANT, "Acme")
        with parts.database.write(TENANT) as work:
            work.users.add(User(USER, name="Alice", email="alice@example.com", time_zone="Europe/Vienna"))
            for number, start in enumerate(starts):
                work.items.add(_series(number, start), Source("api"))
        list_items(parts, TENANT, USER, start=_START, end=_START + timedelta(days=1), expand=True)
        before = time.process_time()
        listed = list_items(parts, TENANT, USER, start=_START, end=_END, expand=True)
        took = time.process_time() - before
    before = time.process_time()
    low, high = _START.replace(tzinfo=None), _END.replace(tzinfo=None)
    expanded = [each for start in starts for each in rrulestr(_RULE, dtstart=start).between(low, high, inc=True)]
    plain = time.process_time() - before
    if not len(listed) == len(expanded) == count:
        raise LookupError(f"{len(listed)} were listed, {len(expanded)} expanded, {count} are there")
    return {"items": count, "listed": took, "expanded": plain}


def _series(number: int, begin: datetime) -> Item:
    start = zoned(begin, "Europe/Vienna")
    span = Span(start, start.shifted(timedelta(minutes=30)), (_RULE,))
    return Item(
        f"series-{number:06}",
        USER,
        content=content({(MASTER, Field.TITLE): f"Service {number}", (MASTER, Field.TIME): span}),
    )
