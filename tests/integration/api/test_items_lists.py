"""Lists of items, page by page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.api.conftest import Api, Caller
from tests.integration.service.world import ALICE, at, visit

ITEMS = f"/v1/users/{ALICE}/items"
JANUARY = {"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}


@pytest.fixture
def backend(api: Api) -> Caller:
    return api.as_("backend")


def pages(caller: Caller, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    found, cursor = [], {}
    while True:
        answer = caller.get(f"{path}?{urlencode(query | cursor)}")
        assert answer.status_code == 200, answer.text
        found.append(answer.json["data"])
        if answer.json["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json["next_cursor"]}


def test_a_list_goes_on_where_it_ended(backend: Caller) -> None:
    made = [backend.put(f"{ITEMS}/ext:{number}", visit(f"Visit {number}")).json for number in range(5)]
    found = pages(backend, ITEMS, limit=2)
    assert [len(each) for each in found] == [2, 2, 1]
    assert [each for page in found for each in page] == sorted(made, key=lambda item: item["id"])


def test_a_list_shows_what_was_asked_for(backend: Caller) -> None:
    backend.put(f"{ITEMS}/ext:early", visit("Early", "2027-01-05"))
    backend.put(f"{ITEMS}/ext:late", visit("Late", "2027-03-05"))
    backend.put(f"{ITEMS}/ext:task", {"type": "task", "title": "Order it"})
    titles = lambda **query: sorted(each["title"] for each in pages(backend, ITEMS, **query)[0])  # noqa: E731
    assert titles() == ["Early", "Late", "Order it"]
    assert titles(**JANUARY) == ["Early"]
    assert titles(type="task") == ["Order it"]
    assert titles(external_id="late") == ["Late"]
    assert titles(external_id="none") == []


def test_a_list_of_a_window_leaves_out_series_that_ended_before_it_over_all_pages(backend: Caller) -> None:
    def series(name: str, rule: str, **more: Any) -> None:
        backend.put(f"{ITEMS}/ext:{name}", visit(name, "2027-01-05", recurrence=[f"RRULE:{rule}"]) | more)

    moved = {"recurrence_id": "2027-01-06T10:00:00", "start": at("2027-03-05"), "end": at("2027-03-05", "11:00")}
    for number in range(3):
        series(f"ended-{number}", "FREQ=DAILY;COUNT=10")
        series(f"on-{number}", "FREQ=WEEKLY;COUNT=10")
    series("until", "FREQ=DAILY;UNTIL=20270131T090000Z")
    series("ever", "FREQ=YEARLY")
    series("moved", "FREQ=DAILY;COUNT=10", overrides=[moved])
    left = {"on-0", "on-1", "on-2", "ever", "moved"}
    for limit in (1, 2, 50):
        found = pages(backend, ITEMS, limit=limit, **{"from": "2027-02-01T00:00:00Z"})
        assert sorted(each["title"] for page in found for each in page) == sorted(left)
        assert all(len(page) == limit for page in found[:-1])


def test_an_expanded_list_shows_occurrences_by_time_over_all_pages(backend: Caller) -> None:
    backend.put(f"{ITEMS}/ext:daily", visit("Daily", "2027-01-04", recurrence=["RRULE:FREQ=DAILY;COUNT=6"]))
    moved = {"recurrence_id": "2027-01-05T10:00:00", "start": at("2027-01-08"), "end": at("2027-01-08", "11:00")}
    backend.patch(f"{ITEMS}/ext:daily", {"overrides": [moved]})
    backend.put(f"{ITEMS}/ext:long", visit("Long", "2027-01-04", end=at("2027-01-09")))
    backend.put(f"{ITEMS}/ext:same", visit("Same", "2027-01-08"))
    for name in ("a", "b", "c"):
        backend.put(f"{ITEMS}/ext:{name}", visit("Moment", "2027-01-08", end=at("2027-01-08")))
    whole = [each for page in pages(backend, ITEMS, expand="true", **JANUARY) for each in page]
    assert [
        (each["title"], each["start"]["date_time"][8:10]) for each in whole if each["title"] in ("Long", "Same")
    ] == [
        ("Long", "04"),
        ("Same", "08"),
    ]
    assert [each["recurrence_id"][8:10] for each in whole if each["title"] == "Daily"] in (
        ["04", "06", "07", "05", "08", "09"],
        ["04", "06", "07", "08", "05", "09"],
    )
    assert [each["title"] for each in whole].count("Moment") == 3
    assert len(whole) == 11
    for limit in (1, 2, 3, 11):
        found = pages(backend, ITEMS, expand="true", limit=limit, **JANUARY)
        assert [each for page in found for each in page] == whole
        assert all(len(page) == limit for page in found[:-1])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"expand": "true"}, "expand"),
        ({"expand": "true", "from": "2027-01-01T00:00:00Z", "to": "2028-02-01T00:00:00Z"}, "to"),
        ({"expand": "yes"}, "expand"),
        ({"from": "2027-01-01"}, "from"),
        ({"to": "9999-12-31T23:59:59-14:00"}, "to"),
        ({"from": "x"}, "from"),
        ({"from": JANUARY["to"], "to": JANUARY["from"]}, "to"),
        ({"type": "party"}, "type"),
        ({"external_id": "a b"}, "external_id"),
        ({"color": "red"}, "color"),
        ({"cursor": "WzEsImEiXQ", "expand": "true", **JANUARY}, "cursor"),
        ({"cursor": "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMCwiYSIsImIiXQ", "expand": "true", **JANUARY}, "cursor"),
        ({"cursor": "ImEi", "expand": "true", **JANUARY}, "cursor"),
    ],
)
def test_a_query_that_can_not_be_used_is_named(backend: Caller, query: dict[str, str], field: str) -> None:
    answer = backend.get(f"{ITEMS}?{urlencode(query)}")
    assert (answer.status_code, answer.json["field"]) == (422, field)


def test_the_history_goes_on_where_it_ended(api: Api, backend: Caller) -> None:
    api.world.connect()
    api.world.sync()
    for title in ("One", "Two", "Three"):
        backend.put(f"{ITEMS}/ext:a", visit(title))
        api.world.sync()
    found = pages(backend, f"{ITEMS}/ext:a/history", limit=2)
    assert [[line["action"] for line in page] for page in found] == [["update", "update"], ["create"]]
