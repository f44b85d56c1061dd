"""What is written to a terminal: for people, and safe for the terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from calbridge.cli.output import Column, Output, changes_text, moment, span_point, text
from calbridge.cli.plain import harmless, harmless_json, plain_table

HOSTILE = "Lunch\x1b]0;owned\x07 \u202edab\u2066 \x9b31m\r\nnew line"


def test_text_from_a_calendar_can_not_steer_the_terminal() -> None:
    shown = harmless(HOSTILE)

    assert shown == "Lunch\N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER} " + (
        "\N{REPLACEMENT CHARACTER}dab\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}31m  new line"
    )


def test_text_in_any_script_stays_as_it_is() -> None:
    told = "Besprechung - 会議 - פגישה - 👩\u200d🚒 ¡olé!"

    assert harmless(told) == told


@given(st.text())
def test_json_can_not_steer_the_terminal_and_means_the_same(told: str) -> None:
    document = harmless_json(json.dumps({"title": told}, ensure_ascii=False))

    assert json.loads(document) == {"title": told}
    assert not any(sign in document for sign in "\x1b\x7f\x9b\u202e\u2028")


def test_columns_line_up_whatever_the_script() -> None:
    table = plain_table(["Title", "Day"], [["会議", "Mon"], ["Team meeting", "Tue"]])

    places = {
        cell_len(line[: line.index(day)]) for line, day in zip(table.split("\n"), ["Day", "Mon", "Tue"], strict=True)
    }
    assert places == {len("Team meeting") + 2}


def test_a_plain_table_cuts_nothing_and_leaves_no_blanks_at_the_end() -> None:
    long = "x" * 500

    table = plain_table(["Title", "Reason"], [[long, ""], ["short", "because"]])

    assert long in table
    assert not any(line.endswith(" ") for line in table.split("\n"))


def test_values_read_well() -> None:
    assert [text(value) for value in (None, True, False, 3, "x", ["a", "b"], {"a": 1})] == [
        "",
        "yes",
        "no",
        "3",
        "x",
        "a, b",
        '{"a": 1}',
    ]
    assert moment(None) == ""
    assert len(moment("2027-01-05T10:00:00Z")) == len("2027-01-05 10:00:00")
    assert span_point({"date": "2027-01-05"}) == "2027-01-05"
    wall = {"date_time": "2027-01-05T10:00:00", "time_zone": "Europe/Vienna"}
    assert span_point(wall) == "2027-01-05 10:00 Europe/Vienna"
    assert span_point({"date_time": "2027-01-05T10:00:30", "time_zone": None}) == "2027-01-05 10:00:30"


def test_differing_fields_are_told_with_both_values_and_hidden_ones_by_name() -> None:
    changes = [
        {"field": "title", "before": "Old", "after": "New"},
        {"field": "location", "before": None, "after": "Garden"},
        {"field": "description", "before": None, "after": None},
    ]

    assert changes_text(changes) == "title: Old -> New; location: (none) -> Garden; description"


def test_an_empty_list_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    Output().rows([], [Column("Id", "id")], none="There is none.")

    assert capsys.readouterr().out == "There is none.\n"
