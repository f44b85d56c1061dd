"""Real files: what is read, and that an edit leaves all else alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from calbridge.connectors.ical import Broken, Readable, create, edit, read
from calbridge.connectors.ical.text import lines_of
from calbridge.domain.content import MASTER, Content, Field
from calbridge.domain.times import TimeKind
from calbridge.errors import Rejected

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
FILES = 322
OUTCOMES = {
    "readable": 2029,
    "broken_calendar_data": 71,
    "no_vevent": 54,
    "no_uid": 24,
    "recurrence_too_fine": 6,
}
"""What the files hold. Broken are placeholders instead of dates, missing starts, dates that do not exist, two masters
of one UID, ends before starts and cut files."""
RETYPED = {
    "UNTIL=19701119T203000Z": "UNTIL=19701119T203000",
    "UNTIL=20191023": "UNTIL=20191023T225959Z",
}
"""Ends of rules in another type than the start of their series, and how they are written (RFC 5545 3.3.10)."""
EDITS = 415
EDITED = ("SUMMARY", "DTSTAMP", "LAST-MODIFIED", "METHOD")


def bodies(corpus: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(corpus.glob("*.ics")):
        yield path.name, path.read_bytes()


def test_every_file_is_read_or_set_aside_with_a_reason(shared_corpus: Path) -> None:
    found: Counter[str] = Counter()
    files = 0
    for _, body in bodies(shared_corpus):
        files += 1
        found.update(one.code if isinstance(one, Broken) else "readable" for one in read(body))
    assert files == FILES
    assert found == OUTCOMES


def left_over(body: bytes) -> Counter[str]:
    """Every line of a file but those that an edit of the title may touch."""
    found: Counter[str] = Counter()
    for line in lines_of(body):
        name = line.partition(":")[0].partition(";")[0].upper()
        if name not in EDITED:
            found[line.upper().rstrip() if name in ("BEGIN", "END") else line] += 1
    return found


def test_editing_a_title_leaves_every_other_line_of_every_file(shared_corpus: Path) -> None:
    edited = 0
    for name, body in bodies(shared_corpus):
        found = read(body)
        for one in found[:10]:
            if isinstance(one, Readable):
                edited += 1
                changed = edit(
                    body,
                    uid=one.uid,
                    recurrence_id=one.recurrence_id,
                    units={(MASTER, Field.TITLE): "Edited, here"},
                    rekeyed={},
                    redact=False,
                    now=NOW,
                )
                assert left_over(changed) == left_over(body), name
                again = {(two.uid, two.recurrence_id): two for two in read(changed) if isinstance(two, Readable)}
                now = again[(one.uid, one.recurrence_id)].event
                assert now.content.same(one.event.content.with_units({(MASTER, Field.TITLE): "Edited, here"})), name
    assert edited == EDITS


def test_what_is_read_can_be_written_and_is_read_the_same(shared_corpus: Path) -> None:
    calendars_own = (Field.RESPONSES, Field.MY_RESPONSE, Field.CONFERENCE)
    refused: Counter[str] = Counter()
    for name, body in bodies(shared_corpus):
        for one in read(body)[:20]:
            if not isinstance(one, Readable):
                continue
            try:
                (again,) = read(create(one.event.content, uid=one.uid, marker="k"))
            except Rejected as error:
                refused[error.code] += 1
                continue
            assert isinstance(again, Readable), name
            before, after = one.event.content.without(calendars_own), again.event.content.without(calendars_own)
            assert after.same(retyped(before)), (name, one.uid)
    assert set(refused) <= {"not_expressible"}
    assert sum(refused.values()) < 20


def retyped(found: Content) -> Content:
    """The same with the end of its rule in the type of its start."""
    span = found.span
    assert span is not None
    rule = tuple(re.sub("UNTIL=[^;]+", lambda match: RETYPED.get(match[0], match[0]), line) for line in span.rule)
    return Content({**found.units, (MASTER, Field.TIME): replace(span, rule=rule)})


def independent(body: bytes) -> dict[str, Any]:
    """Single events of a file by UID as icalendar reads them, where it can."""
    found: dict[str, Any] = {}
    try:
        calendars = icalendar.Calendar.from_ical(body, multiple=True)
    except Exception:
        return {}
    for one in calendars:
        for event in one.walk("VEVENT"):
            if "RECURRENCE-ID" not in event:
                found[str(event.get("UID"))] = event
    return found


@pytest.mark.filterwarnings("ignore")
def test_titles_and_starts_are_those_that_another_parser_finds(shared_corpus: Path) -> None:
    compared = 0
    for name, body in bodies(shared_corpus):
        other = independent(body)
        for one in read(body)[:50]:
            event = other.get(one.uid or "") if isinstance(one, Readable) else None
            if event is None or not isinstance(one, Readable) or one.recurrence_id or event.errors:
                continue
            start = one.event.content.span.start if one.event.content.span else None
            assert start is not None
            assert isinstance(event.get("SUMMARY", ""), list) or _text(event) == one.event.content.title, name
            theirs = event.get("DTSTART").dt
            if start.kind is TimeKind.DATE:
                assert start.local.date() == (theirs.date() if isinstance(theirs, datetime) else theirs), name
            else:
                assert abs(start.local - theirs.replace(tzinfo=None)) < timedelta(seconds=1), name
            compared += 1
    assert compared > 600


def _text(event: Any) -> str:
    return "".join(char for char in str(event.get("SUMMARY", "")) if char >= " " or char in "\t\n\r")
