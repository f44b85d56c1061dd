"""Reading addresses, and looking for keys and UIDs (contract C.fetch, C.find)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calbridge.connectors.contract import Fetched, Gone, Seen, Unknown
from calbridge.domain.event import Event
from calbridge.errors import Rejected
from calbridge_google.bundle import Bundle, is_cancelled, lone, row_of, series_id
from calbridge_google.limits import MARKER, PAGE_SIZE
from calbridge_google.series import Found, Reader

Resource = Mapping[str, Any]


def fetch(reader: Reader, remote_ids: Sequence[str]) -> list[Fetched]:
    """One answer for each address. Raises CalendarGone, SignInRequired, Throttled, Unavailable."""
    found = reader.read(remote_ids)
    return [answer(name, found.get(name, Found())) for name in dict.fromkeys(remote_ids)]


def answer(remote_id: str, found: Found) -> Fetched:
    """What the core is told about an address."""
    if found.gone:
        return Gone(remote_id)
    return row_of(found.bundle) if found.bundle is not None else Unknown(remote_id)


def find(reader: Reader, keys: Sequence[str], uids: Sequence[str]) -> list[Seen]:
    """Events that carry one of our keys or one of these UIDs, wherever they live now."""
    calls = [
        reader.call("list", "list", privateExtendedProperty=f"{MARKER}={key}", singleEvents=False, maxResults=PAGE_SIZE)
        for key in keys
    ]
    # An instance that stands alone has its date behind the UID that Google knows.
    asked = dict.fromkeys(name for uid in uids if uid for name in (uid, uid.rpartition("#")[0]) if name)
    calls += [reader.call("list", "list", iCalUID=uid, singleEvents=False, maxResults=PAGE_SIZE) for uid in asked]
    if not calls:
        reader.ensure_there()
    singles: dict[str, Bundle] = {}
    series: dict[str, list[Resource]] = {}
    for call, outcome in zip(calls, reader.client.all(calls), strict=True):
        # A key or UID that can't even be asked for is on no event.
        for item in () if isinstance(outcome, Rejected) else reader.all_pages(outcome, call):
            owner = series_id(item)
            if owner is not None:
                series.setdefault(owner, []).append(item)
            elif item.get("recurrence"):
                series.setdefault(str(item.get("id")), [])
            elif not is_cancelled(item):
                singles[str(item.get("id"))] = Bundle(item)
    rows = [row_of(bundle) for bundle in singles.values()] + _series_rows(reader, series)
    return [row for row in rows if isinstance(row, Seen) and row.event is not None and _wanted(row.event, keys, uids)]


def _wanted(event: Event, keys: Sequence[str], uids: Sequence[str]) -> bool:
    return event.uid in uids or event.marker in keys


def _series_rows(reader: Reader, series: Mapping[str, Sequence[Resource]]) -> list[Fetched]:
    """Whole series; instances whose series is not in this calendar are events of their own."""
    rows: list[Fetched] = []
    for name, each in (reader.read(series) if series else {}).items():
        if each.gone or each.bundle is None:
            rows += [row_of(lone(item)) for item in series[name] if each.gone and not is_cancelled(item)]
        else:
            rows.append(row_of(each.bundle))
    return rows
