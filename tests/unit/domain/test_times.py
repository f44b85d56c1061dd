"""Five kinds of time, over gaps and folds in two zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calbridge.domain.content import Span, same_value, slot_span
from calbridge.domain.times import day, floating, is_iana, unknown, utc, zoned


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Vienna", datetime(2027, 3, 28, 2, 30), datetime(2027, 3, 28, 1, 30)),
        ("Europe/Vienna", datetime(2027, 10, 31, 2, 30), datetime(2027, 10, 31, 0, 30)),
        ("America/New_York", datetime(2027, 3, 14, 2, 30), datetime(2027, 3, 14, 7, 30)),
        ("America/New_York", datetime(2027, 11, 7, 1, 30), datetime(2027, 11, 7, 5, 30)),
    ],
)
def test_a_gap_is_read_with_the_offset_before_it_and_a_fold_means_the_first(
    zone: str, local: datetime, instant: datetime
) -> None:
    """RFC 5545 section 3.3.5."""
    assert zoned(local, zone).instant() == instant.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "local", "edge"),
    [
        ("America/New_York", datetime(9999, 12, 31, 23, 59, 59), datetime.max),
        ("Asia/Tokyo", datetime(1, 1, 1), datetime.min),
    ],
)
def test_an_instant_that_utc_can_not_tell_is_its_first_or_last(zone: str, local: datetime, edge: datetime) -> None:
    assert zoned(local, zone).instant() == edge.replace(tzinfo=UTC)
    assert unknown(local, "Nowhere", -18000 if edge == datetime.max else 18000).instant() == edge.replace(tzinfo=UTC)


def test_an_occurrence_lasts_no_longer_than_times_can_be_told() -> None:
    start = zoned(datetime(2027, 1, 5, 10), "Europe/Vienna")
    master = Span(start, start.at(datetime(9999, 12, 31)), ("RRULE:FREQ=WEEKLY",))
    assert slot_span(master, "2027-01-12T10:00:00").end.local == datetime(9999, 12, 30)


def test_a_second_reading_of_a_fold_is_not_kept_by_accident() -> None:
    moment = datetime(2027, 10, 31, 2, 30, fold=1)
    assert zoned(moment, "Europe/Vienna").instant() == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_real_time_is_counted_across_the_change_of_the_clock() -> None:
    start = zoned(datetime(2027, 3, 28, 1, 30), "Europe/Vienna")
    assert start.after(timedelta(hours=1)).local == datetime(2027, 3, 28, 3, 30)


def test_names_of_utc_are_utc() -> None:
    assert zoned(datetime(2027, 1, 1), "Etc/UTC") == utc(datetime(2027, 1, 1))


def test_an_unknown_zone_keeps_what_its_source_said() -> None:
    when = unknown(datetime(2027, 1, 1, 9), "Customized Time Zone", 7200)
    assert when.instant() == datetime(2027, 1, 1, 7, tzinfo=UTC)
    assert not is_iana("Customized Time Zone")
    assert not is_iana("../../etc/passwd")


def test_dates_have_dates_for_keys_and_times_have_times() -> None:
    assert day(datetime(2027, 1, 5).date()).key == "2027-01-05"
    assert floating(datetime(2027, 1, 5, 9)).key == "2027-01-05T09:00:00"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Europe/Vienna", "Europe/Berlin", True),
        ("Europe/Vienna", "Africa/Lagos", False),
        ("America/New_York", "America/Toronto", True),
        ("Europe/Vienna", "Europe/London", False),
    ],
)
def test_zones_with_the_same_offsets_over_a_series_mean_the_same(one: str, other: str, alike: bool) -> None:
    spans = [
        Span(zoned(datetime(2027, 1, 5, 9), zone), zoned(datetime(2027, 1, 5, 10), zone), ("RRULE:FREQ=WEEKLY",))
        for zone in (one, other)
    ]
    assert same_value(*spans) is alike


def test_two_zones_that_agree_in_winter_are_the_same_for_one_winters_day() -> None:
    spans = [
        Span(zoned(datetime(2027, 1, 5, 9), zone), zoned(datetime(2027, 1, 5, 10), zone))
        for zone in ("Europe/Vienna", "Africa/Lagos")
    ]
    assert same_value(*spans)


def test_floating_and_zoned_times_are_never_the_same() -> None:
    local = datetime(2027, 1, 5, 9)
    spans = [
        Span(floating(local), floating(local)),
        Span(utc(local), utc(local)),
        Span(zoned(local, "Europe/London"), zoned(local, "Europe/London")),
    ]
    assert not same_value(spans[0], spans[1])
    assert not same_value(spans[0], spans[2])
