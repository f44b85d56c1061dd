"""Rules of series: slots, windows, and what is not expanded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calbridge.domain.content import MASTER, Content, Field, Span, content
from calbridge.domain.recurrence import check_rule, has_slot, last_end, occurrences
from calbridge.domain.times import day, zoned
from calbridge.errors import Rejected


def series(rule: str, start: datetime = datetime(2027, 1, 5, 9), zone: str = "Europe/Vienna") -> Content:
    begin = zoned(start, zone)
    return content({(MASTER, Field.TIME): Span(begin, begin.shifted(timedelta(hours=1)), (rule,))})


def keys(shown: Content, first: datetime, last: datetime) -> list[str]:
    return [key for key, _ in occurrences(shown, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("RRULE:FREQ=SECONDLY", "recurrence_too_fine"),
        ("RRULE:FREQ=HOURLY", "recurrence_too_fine"),
        ("RRULE:FREQ=DAILY;BYHOUR=1,2", "recurrence_too_fine"),
        ("RRULE:FREQ=DAILY;INTERVAL=0", "unsupported_recurrence"),
        ("RRULE:FREQ=DAILY;INTERVAL=00;COUNT=3", "unsupported_recurrence"),
        ("RRULE:FREQ=DAILY;INTERVAL=-1", "unsupported_recurrence"),
        ("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "unsupported_recurrence"),
        ("RRULE:FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=31,-31", "unsupported_recurrence"),
        ("RDATE:" + ",".join(["20270105T090000"] * 2001), "recurrence_too_large"),
    ],
)
def test_what_must_not_be_expanded_is_refused(rule: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_rule((rule,))
    assert refused.value.code == code


def test_an_ordinary_interval_is_no_interval_of_nothing() -> None:
    check_rule(("RRULE:FREQ=DAILY;INTERVAL=10",))


def test_a_leap_day_of_each_february_is_no_day_that_never_comes() -> None:
    check_rule(("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",))
    check_rule(("RRULE:FREQ=MONTHLY;BYMONTHDAY=-31,1",))


def test_a_series_keeps_its_wall_time_over_the_change_of_the_clock() -> None:
    shown = series("RRULE:FREQ=WEEKLY", datetime(2027, 3, 23, 9))
    found = dict(occurrences(shown, datetime(2027, 3, 22, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)))
    assert [span.start.instant().hour for span in found.values()] == [8, 7]


def test_until_in_utc_is_read_on_the_wall_clock_of_the_series() -> None:
    shown = series("RRULE:FREQ=DAILY;UNTIL=20270107T080000Z")
    assert keys(shown, datetime(2027, 1, 1), datetime(2027, 2, 1))[-1] == "2027-01-07T09:00:00"


def test_a_slot_exists_where_the_rule_says_so() -> None:
    span = series("RRULE:FREQ=WEEKLY;BYDAY=TU").span
    assert span is not None
    assert has_slot(span, "2027-01-12T09:00:00")
    assert not has_slot(span, "2027-01-13T09:00:00")
    assert not has_slot(span, "2027-01-12T10:00:00")


def test_a_rule_nobody_can_read_has_every_slot() -> None:
    span = series("RRULE:FREQ=NONSENSE").span
    assert span is not None
    assert has_slot(span, "2027-01-13T09:00:00")


def test_excluded_occurrences_are_left_out_and_moved_ones_shown_where_they_are() -> None:
    shown = series("RRULE:FREQ=WEEKLY;COUNT=3")
    later = zoned(datetime(2027, 1, 14, 15), "Europe/Vienna")
    shown = shown.with_units(
        {
            ("2027-01-12T09:00:00", Field.TIME): Span(later, later.shifted(timedelta(hours=1))),
            ("2027-01-19T09:00:00", Field.EXISTS): False,
        }
    )
    found = dict(occurrences(shown, datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)))
    assert list(found) == ["2027-01-05T09:00:00", "2027-01-12T09:00:00"]
    assert found["2027-01-12T09:00:00"].start == later


def test_all_day_series_have_dates_for_keys() -> None:
    start = day(datetime(2027, 1, 5).date())
    shown = content(
        {(MASTER, Field.TIME): Span(start, start.shifted(timedelta(days=1)), ("RRULE:FREQ=DAILY;COUNT=2",))}
    )
    assert keys(shown, datetime(2027, 1, 1), datetime(2027, 2, 1)) == ["2027-01-05", "2027-01-06"]


def test_the_end_of_a_series_is_known_only_with_an_until() -> None:
    assert last_end(series("RRULE:FREQ=DAILY")) is None
    ended = last_end(series("RRULE:FREQ=DAILY;UNTIL=20270110T080000Z"))
    assert ended is not None
    assert ended >= datetime(2027, 1, 10, 9, tzinfo=UTC)
