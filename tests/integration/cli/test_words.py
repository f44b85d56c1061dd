"""Reading words of the command line."""

from __future__ import annotations

import io

import click
import pytest

from calbridge.cli.item_words import item_body, recurrence_id, with_occurrence
from calbridge.cli.words import TIME, json_object, settings_words


@pytest.fixture(autouse=True)
def context() -> object:
    """A command that is being called, as these functions are used."""
    with click.Context(click.Command("verb")) as inside:
        yield inside


@pytest.mark.parametrize(
    ("word", "point"),
    [
        ("2027-01-05", {"date": "2027-01-05"}),
        ("2027-01-05 10:00", {"date_time": "2027-01-05T10:00:00"}),
        ("2027-01-05T10:00:30", {"date_time": "2027-01-05T10:00:30"}),
        ("2027-01-05 10:00Z", {"date_time": "2027-01-05T10:00:00", "time_zone": "UTC"}),
    ],
)
def test_times_are_read(word: str, point: object) -> None:
    assert TIME.convert(word, None, None) == point


@pytest.mark.parametrize("word", ["tomorrow", "2027-13-01", "2027-01-05 25:00", "2027-01-05 10:00+02:00", ""])
def test_other_times_are_refused(word: str) -> None:
    with pytest.raises(click.UsageError):
        TIME.convert(word, None, None)


def test_settings_are_named_with_dots_and_hold_json_or_text() -> None:
    words = ["retrieve.delete=false", "conflict=newest", 'send.types=["task"]', "retrieve.skip.all_day=true"]

    assert settings_words(words) == {
        "retrieve": {"delete": False, "skip": {"all_day": True}},
        "conflict": "newest",
        "send": {"types": ["task"]},
    }


@pytest.mark.parametrize("words", [["conflict"], ["=1"], ["a..b=1"], ["a=1", "a.b=2"]])
def test_what_is_no_setting_is_refused(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        settings_words(words)


@pytest.mark.parametrize("content", ["[]", "{", "nothing", "[" * 100_000])
def test_a_file_without_a_json_object_is_refused(content: str) -> None:
    file = io.StringIO(content)
    file.name = "item.json"

    with pytest.raises(click.UsageError, match=r"item\.json"):
        json_object(file)


def test_only_what_was_said_is_in_the_body() -> None:
    start = {"date_time": "2027-01-05T10:00:00"}

    assert item_body({"title": "X", "location": None, "start": start}, "Europe/Vienna") == {
        "title": "X",
        "start": {"date_time": "2027-01-05T10:00:00", "time_zone": "Europe/Vienna"},
    }


def test_a_zone_that_was_said_with_the_time_stays_and_a_date_has_none() -> None:
    words = {"start": {"date_time": "2027-01-05T10:00:00", "time_zone": "UTC"}, "end": {"date": "2027-01-06"}}

    assert item_body(words, "Europe/Vienna") == words


def test_rules_descriptions_and_reminders_take_the_form_of_an_item() -> None:
    words = {"rules": ("FREQ=DAILY", "RDATE:20270105"), "description": "Text", "reminders": (15,)}

    assert item_body(words, "UTC") == {
        "recurrence": ["RRULE:FREQ=DAILY", "RDATE:20270105"],
        "description": {"text": "Text"},
        "reminders": [{"minutes_before": 15}],
    }


def test_an_occurrence_is_changed_beside_the_others_and_keeps_what_it_had() -> None:
    overrides = [{"recurrence_id": "2027-01-05", "title": "Other"}, {"recurrence_id": "2027-01-12", "title": "Mine"}]

    changed = with_occurrence(overrides, "2027-01-12", {"location": "Garden"}, cancelled=False)

    assert changed == [overrides[0], {"recurrence_id": "2027-01-12", "title": "Mine", "location": "Garden"}]


def test_a_cancelled_occurrence_holds_nothing_else_and_can_come_back() -> None:
    cancelled = with_occurrence([{"recurrence_id": "2027-01-05", "title": "X"}], "2027-01-05", {}, cancelled=True)
    assert cancelled == [{"recurrence_id": "2027-01-05", "cancelled": True}]

    back = with_occurrence(cancelled, "2027-01-05", {"title": "Y"}, cancelled=False)
    assert back == [{"recurrence_id": "2027-01-05", "title": "Y"}]


def test_an_occurrence_is_keyed_by_its_original_local_start() -> None:
    assert recurrence_id({"date_time": "2027-01-05T10:00:00"}) == "2027-01-05T10:00:00"
    assert recurrence_id({"date": "2027-01-05"}) == "2027-01-05"
