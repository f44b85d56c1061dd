"""Items as JSON and back: inverse of each other, strict about what comes in, safe in what goes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calbridge.domain.content import MASTER, Field, Span, Text, content
from calbridge.domain.item import Item, ItemType
from calbridge.domain.times import TimeKind, unknown
from calbridge.errors import Refused
from calbridge.service.item_json import applied, applied_new, patched, shown

VIENNA = "Europe/Vienna"


def at(text: str, zone: str | None = VIENNA) -> dict[str, Any]:
    return {"date_time": text, "time_zone": zone}


def body(**more: Any) -> dict[str, Any]:
    return {"title": "Visit", "start": at("2027-01-05T10:00:00"), "end": at("2027-01-05T11:00:00"), **more}


def made(**more: Any) -> Item:
    return applied_new("i1", "alice", body(**more))


def refusal(given_body: dict[str, Any]) -> tuple[str, object]:
    with pytest.raises(Refused) as refused:
        applied_new("i1", "alice", given_body)
    return refused.value.code, refused.value.facts["field"]


SERIES = {
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"],
    "overrides": [
        {"recurrence_id": "2027-01-12T10:00:00", "cancelled": True},
        {
            "recurrence_id": "2027-01-19T10:00:00",
            "title": "Special",
            "start": at("2027-01-19T12:00:00"),
            "end": at("2027-01-19T13:30:00"),
        },
    ],
}
FULL = body(
    **SERIES,
    description={"text": "Bring tools", "html": "<p>Bring <b>tools</b></p>"},
    location="Office",
    show_as="oof",
    status="tentative",
    visibility="private",
    reminders=[{"minutes_before": 15}],
    categories=["Field"],
    conference_url="https://meet.example.com/1",
    organizer={"email": "alice@example.com", "name": "Alice"},
    attendees=[{"email": "Bob@Example.com", "name": "Bob", "role": "optional"}],
    associations=[{"type": "ticket", "id": "77", "name": "Printer"}],
    record_id="r1",
    external_id="x1",
)


def test_what_is_shown_may_come_back_and_changes_nothing() -> None:
    item = applied_new("i1", "alice", FULL)
    assert applied(item, shown(item)) == item


def test_every_field_comes_out_as_it_went_in() -> None:
    out = shown(applied_new("i1", "alice", FULL))
    same = FULL.keys() - {"attendees", "overrides"}
    assert {name: out[name] for name in same} == {name: FULL[name] for name in same}
    assert out["overrides"] == SERIES["overrides"]
    assert out["attendees"] == [
        {"email": "bob@example.com", "name": "Bob", "role": "optional", "response": "needs_action"}
    ]


@given(
    st.fixed_dictionaries(
        {"title": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50)},
        optional={
            "location": st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=50),
            "show_as": st.sampled_from(["free", "busy", "tentative", "oof", "elsewhere"]),
            "status": st.sampled_from(["confirmed", "tentative", "cancelled"]),
            "categories": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
            "reminders": st.lists(st.integers(0, 100).map(lambda n: {"minutes_before": n}), max_size=3),
        },
    ),
    st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1)).map(lambda m: m.replace(microsecond=0)),
    st.sampled_from([VIENNA, "America/New_York", "UTC", None]),
)
def test_the_way_out_and_the_way_in_are_inverses(fields: dict[str, Any], start: datetime, zone: str | None) -> None:
    moment = at(start.isoformat(), zone)
    item = applied_new("i1", "alice", {**fields, "start": moment, "end": moment})
    assert applied(item, shown(item)) == item
    assert shown(item)["start"] == moment


def test_a_date_is_all_day_with_an_exclusive_end() -> None:
    item = applied_new("i1", "alice", {"title": "Fair", "start": {"date": "2027-01-05"}})
    assert (shown(item)["start"], shown(item)["end"]) == ({"date": "2027-01-05"}, {"date": "2027-01-06"})


def test_floating_time_must_be_said() -> None:
    floating = made(start=at("2027-01-05T10:00:00", None), end=at("2027-01-05T11:00:00", None))
    assert floating.content.span is not None
    assert floating.content.span.start.kind is TimeKind.FLOATING
    assert refusal(body(start={"date_time": "2027-01-05T10:00:00"})) == ("invalid_value", "start.time_zone")


def test_a_time_with_an_offset_is_converted_to_its_zone() -> None:
    item = made(start=at("2027-07-05T08:00:00Z"), end=at("2027-07-05T11:00:00+02:00"))
    assert shown(item)["start"] == at("2027-07-05T10:00:00")
    assert shown(item)["end"] == at("2027-07-05T11:00:00")


def test_a_zone_that_only_the_source_knew_may_come_back_but_not_be_chosen() -> None:
    strange = unknown(datetime(2027, 1, 5, 10), "Customized Time Zone", 3600)
    timed = content({(MASTER, Field.TITLE): "Visit", (MASTER, Field.TIME): Span(strange, strange)})
    item = Item("i1", "alice", content=timed)
    assert applied(item, shown(item)) == item
    assert refusal(body(start=at("2027-01-05T10:00:00", "Customized Time Zone")))[0] == "unknown_time_zone"


def test_tasks_have_a_due_time_instead() -> None:
    task = applied_new("i1", "alice", {"type": "task", "title": "Call", "due": {"date": "2027-01-05"}})
    assert task.type is ItemType.TASK
    assert shown(task)["due"] == {"date": "2027-01-05"}
    assert applied(task, {"completed_at": "2027-01-05T12:00:00+01:00"}).completed_at == datetime(
        2027, 1, 5, 11, tzinfo=UTC
    )
    assert refusal(body(due={"date": "2027-01-05"})) == ("invalid_value", "due")


def test_html_goes_out_without_what_could_act_and_stays_whole_inside() -> None:
    raw = '<p onclick="x()">Hi <script>steal()</script><a href="javascript:x()">there</a></p>'
    item = made(description={"html": raw})
    out = shown(item)["description"]
    assert out["text"] == "Hi there"
    assert not any(word in out["html"] for word in ("onclick", "script", "javascript"))
    assert item.content.get((MASTER, Field.TEXT)) == Text("Hi there", raw)
    assert applied(item, {"description": out}) == item


def test_new_text_drops_the_html_that_said_the_old() -> None:
    item = made(description={"html": "<b>Old</b>"})
    changed = applied(item, patched(shown(item), {"description": {"text": "New"}}))
    assert shown(changed)["description"] == {"text": "New", "html": None}


def test_a_patch_merges_what_is_inside_and_replaces_lists() -> None:
    item = applied_new("i1", "alice", FULL)
    moved = applied(item, patched(shown(item), {"start": {"date_time": "2027-01-05T12:00:00"}}))
    assert shown(moved)["start"] == at("2027-01-05T12:00:00")
    assert [each["recurrence_id"] for each in shown(moved)["overrides"]] == [
        "2027-01-12T12:00:00",
        "2027-01-19T12:00:00",
    ]
    assert shown(applied(item, patched(shown(item), {"overrides": []})))["overrides"] == []
    allday = applied(made(), patched(shown(made()), {"start": {"date": "2027-01-05"}, "end": {"date": "2027-01-06"}}))
    assert shown(allday)["start"] == {"date": "2027-01-05"}


def test_a_series_that_ends_to_be_one_loses_its_overrides() -> None:
    item = applied_new("i1", "alice", FULL)
    assert shown(applied(item, {"recurrence": None}))["overrides"] == []


def test_null_in_an_override_inherits() -> None:
    item = made(recurrence=["RRULE:FREQ=DAILY"], overrides=[{"recurrence_id": "2027-01-06T10:00:00", "title": None}])
    assert shown(item)["overrides"] == []


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"title": None}, "invalid_value", "title"),
        ({"title": "a\x00b"}, "invalid_value", "title"),
        ({"title": "\udc00"}, "invalid_value", "title"),
        ({"title": "two\nlines"}, "invalid_value", "title"),
        ({"title": 5}, "invalid_value", "title"),
        ({"title": "x" * 1001}, "too_large", "title"),
        ({"shoe": 1}, "invalid_value", "shoe"),
        ({"description": {"text": "x" * 100_001}}, "too_large", "description.text"),
        ({"description": "text"}, "invalid_value", "description"),
        ({"status": "perhaps"}, "invalid_value", "status"),
        ({"start": None}, "invalid_value", "start"),
        ({"end": None}, "invalid_value", "end"),
        ({"end": at("2027-01-05T09:00:00")}, "invalid_value", "end"),
        ({"end": {"date": "2027-01-06"}}, "invalid_value", "end"),
        ({"start": {"date": "2027-02-30"}}, "invalid_value", "start.date"),
        ({"start": {"date": "20270105"}}, "invalid_value", "start.date"),
        ({"start": at("0001-01-01T00:00:00")}, "invalid_value", "start.date_time"),
        ({"start": {}}, "invalid_value", "start"),
        ({"start": at("2027-01-05T10:00:00", "Mars/Base")}, "unknown_time_zone", "start.time_zone"),
        ({"start": at("2027-01-05T10:00:00", "posixrules")}, "unknown_time_zone", "start.time_zone"),
        ({"end": at("2027-01-05T11:00:00", "Factory")}, "unknown_time_zone", "end.time_zone"),
        ({"end": at("2027-01-05T11:00:00", "right/Europe/Vienna")}, "unknown_time_zone", "end.time_zone"),
        ({"recurrence": "RRULE:FREQ=DAILY"}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=SECONDLY"]}, "recurrence_too_fine", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;BYHOUR=1,2"]}, "recurrence_too_fine", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;INTERVAL=0"]}, "invalid_value", "recurrence[0]"),
        ({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=XX"]}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;UNTIL=soon"]}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;UNTIL=20270105T085959Z"]}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;UNTIL=20270104"]}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270106T090000Z"]}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;COUNT=0"]}, "invalid_value", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=DAILY;COUNT=99999999"]}, "recurrence_too_large", "recurrence"),
        ({"recurrence": ["RRULE:FREQ=YEARLY;COUNT=200"]}, "recurrence_too_large", "recurrence"),
        ({"recurrence": ["EXDATE:20270105T100000"]}, "invalid_value", "recurrence[0]"),
        ({"recurrence": ["RDATE:" + ",".join(["20270105T100000"] * 2001)]}, "recurrence_too_large", "recurrence"),
        ({"overrides": [{"recurrence_id": "2027-01-05T10:00:00"}]}, "invalid_value", "overrides"),
        ({"attendees": [{"email": "nobody"}]}, "invalid_value", "attendees[0].email"),
        ({"attendees": [{"email": "a@example.com"}] * 1001}, "too_large", "attendees"),
        ({"reminders": [{"minutes_before": -1}]}, "invalid_value", "reminders[0].minutes_before"),
        ({"reminders": [{"minutes_before": True}]}, "invalid_value", "reminders[0].minutes_before"),
        ({"associations": [{"type": "shoe", "id": "1"}]}, "invalid_value", "associations[0].type"),
        ({"conference_url": "javascript:x()"}, "invalid_value", "conference_url"),
        ({"external_id": "a b"}, "invalid_value", "external_id"),
        ({"completed_at": "2027-01-05T10:00:00"}, "invalid_value", "completed_at"),
    ],
)
def test_what_can_t_be_used_is_named(more: dict[str, Any], code: str, field: str) -> None:
    assert refusal(body(**more)) == (code, field)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;UNTIL=20270105T090000Z",
        "FREQ=DAILY;UNTIL=20270105",
        "FREQ=DAILY;COUNT=20000",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=20000",
        "FREQ=MONTHLY;BYDAY=MO,TU;COUNT=5000",
        "FREQ=YEARLY;COUNT=150",
        "FREQ=YEARLY;BYMONTH=1;BYDAY=MO,TU;COUNT=1000",
    ],
)
def test_a_rule_that_ends_where_it_may_is_kept_as_it_is(rule: str) -> None:
    assert shown(made(recurrence=[f"RRULE:{rule}"]))["recurrence"] == [f"RRULE:{rule}"]


def test_a_rule_that_came_with_its_event_is_not_judged_as_long_as_it_stays() -> None:
    odd = "RRULE:FREQ=DAILY;COUNT=99999999"
    item = made()
    span = item.content.span
    assert span is not None
    retrieved = replace(item, content=item.content.with_units({(MASTER, Field.TIME): replace(span, rule=(odd,))}))
    same = {name: shown(retrieved)[name] for name in ("start", "end", "recurrence")}
    for change in ({"title": "Other"}, {"start": at("2027-01-06T10:00:00"), "end": at("2027-01-06T11:00:00")}):
        assert shown(applied(retrieved, {**same, **change}))["recurrence"] == [odd]
    with pytest.raises(Refused):
        applied(retrieved, {"recurrence": [f"{odd};INTERVAL=2"]})


def test_a_series_is_not_moved_behind_its_own_end() -> None:
    item = made(recurrence=["RRULE:FREQ=DAILY;UNTIL=20270131T090000Z"])
    with pytest.raises(Refused) as refused:
        applied(item, {"start": at("2027-02-01T10:00:00")})
    assert "UNTIL" in refused.value.detail


@pytest.mark.parametrize(
    ("override", "field"),
    [
        ({"recurrence_id": "2027-01-06T11:00:00"}, "recurrence_id"),
        ({"recurrence_id": "2027-01-06"}, "recurrence_id"),
        ({"recurrence_id": "2027-01-06T10:00:00Z"}, "recurrence_id"),
        ({"recurrence_id": "2027-01-06T10:00:00", "recurrence": []}, "recurrence"),
        ({"recurrence_id": "2027-01-06T10:00:00", "end": at("2027-01-06T09:00:00")}, "end"),
    ],
)
def test_an_override_must_belong_to_its_series(override: dict[str, Any], field: str) -> None:
    wrong = refusal(body(recurrence=["RRULE:FREQ=DAILY"], overrides=[override]))
    assert wrong == ("invalid_value", f"overrides[0].{field}")


def test_overrides_have_a_bound_and_stand_once() -> None:
    one = {"recurrence_id": "2027-01-06T10:00:00", "cancelled": True}
    daily = {"recurrence": ["RRULE:FREQ=DAILY"]}
    assert refusal(body(**daily, overrides=[one] * 2001)) == ("too_many_overrides", "overrides")
    assert refusal(body(**daily, overrides=[one, one])) == ("invalid_value", "overrides[1].recurrence_id")
    mixed = refusal(body(**daily, overrides=[one | {"title": "x"}]))
    assert mixed == ("invalid_value", "overrides[0]")
