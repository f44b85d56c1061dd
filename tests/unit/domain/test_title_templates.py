"""Titles with something around them: put on, taken off, and refused where they could not be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calbridge.domain.content import MASTER, Content, Field, Unit, content
from calbridge.domain.item import Item, ItemType
from calbridge.domain.json_parts import Part
from calbridge.domain.title_templates import (
    NO_FRAME,
    Frame,
    frame_of,
    framed,
    templates_in,
    templates_out,
    unframed,
)
from calbridge.errors import Refused

CALL = ItemType.SERVICE_CALL
KEY = "2027-02-03T09:00:00"


def read(**templates: Any) -> dict[str, str]:
    return templates_out(templates_in(Part(templates, "title_templates")))


def an_item(*associations: tuple[str, str], type: ItemType = CALL) -> Item:
    told = tuple({"type": kind, "id": str(place), "name": name} for place, (kind, name) in enumerate(associations))
    return Item("i1", "alice", type, associations=told)


@pytest.mark.parametrize(
    "template",
    ["{title}", "[{organization}] {title}", "{title} ({ticket}, {contact})", "{account}: {title}", "\u2192 {title}"],
)
def test_a_template_that_can_be_taken_off_is_kept_to_the_letter(template: str) -> None:
    assert read(service_call=template) == {"service_call": template}


@pytest.mark.parametrize(
    "template",
    [
        "",
        "Call",
        "{title}{title}",
        "{title} {opportunity}",
        "{title} {}",
        "{title} {",
        "{title} }",
        "{{title}}",
        "{title!r}",
        " {title}",
        "{title} ",
        "a  {title}",
        "a\n{title}",
        "a\u202e{title}",
        "a\x00{title}",
        "x" * 194 + "{title}",
        7,
    ],
)
def test_a_template_that_could_not_be_taken_off_is_refused(template: object) -> None:
    with pytest.raises(Refused) as refused:
        read(service_call=template)
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_value", "title_templates.service_call")


def test_templates_are_of_known_types() -> None:
    with pytest.raises(Refused) as refused:
        read(meeting="{title}")
    assert refused.value.facts["field"] == "title_templates.meeting"


def test_the_first_association_of_a_type_gives_its_name_on_one_line() -> None:
    item = an_item(("contact", "Bob"), ("organization", " Acme\n  Ltd "), ("organization", "Other"))
    assert frame_of(item, ((CALL, "[{organization}] {title}"),)) == Frame("[Acme Ltd] ", "")
    assert frame_of(item, ((CALL, "{title} - {contact}"),)) == Frame("", " - Bob")


@pytest.mark.parametrize("missing", [(), (("contact", "Bob"),), (("organization", " "),), (("opportunity", "Deal"),)])
def test_where_a_name_is_missing_the_title_goes_as_it_is(missing: tuple[tuple[str, str], ...]) -> None:
    assert frame_of(an_item(*missing), ((CALL, "[{organization}] {title}"),)) == NO_FRAME


def test_a_template_counts_for_its_type_only() -> None:
    templates = ((CALL, "Call: {title}"),)
    assert frame_of(an_item(), templates) == Frame("Call: ", "")
    assert frame_of(an_item(type=ItemType.TASK), templates) == NO_FRAME


def test_a_name_that_looks_like_a_place_is_a_name() -> None:
    item = an_item(("organization", "{contact} {title}"))
    assert frame_of(item, ((CALL, "{organization}: {title}"),)) == Frame("{contact} {title}: ", "")


TAKEN = """
shown               taken
[Acme] Router!      Router
[Acme] Router 2!    Router 2
[Acme] [Acme] A!!   [Acme] A!
[Acme] !            .
Router!             Router!
[Acme] Router       [Acme] Router
[Acme]!             [Acme]!
[ACME] Router!      [ACME] Router!
!                   !
"""


@pytest.mark.parametrize("line", TAKEN.strip().splitlines()[1:])
def test_a_frame_is_taken_off_exactly_or_not_at_all(line: str) -> None:
    shown, _, expected = line.partition("  ")
    assert Frame("[Acme] ", "!").take_off(shown) == expected.strip().replace(".", "")


def test_a_frame_whose_ends_would_overlap_is_not_taken_off() -> None:
    assert Frame("ab", "bc").take_off("abc") == "abc"


def test_white_space_and_composition_that_a_service_changes_do_not_hide_the_frame() -> None:
    frame = Frame("[Caf\u00e9 Nord] ", "")
    assert frame.take_off("[Cafe\u0301 Nord] Router") == "Router"
    assert frame.take_off("[Caf\u00e9   Nord]\u00a0Router ") == "Router"


@given(st.text(), st.text(), st.text(min_size=1))
def test_what_was_put_on_comes_off(before: str, after: str, title: str) -> None:
    frame = Frame(before, after)
    assert frame.take_off(frame.put_on(title)) == title


def test_titles_of_master_and_occurrences_are_framed_and_nothing_else() -> None:
    units: dict[Unit, Any] = {
        (MASTER, Field.TITLE): "Round",
        (MASTER, Field.LOCATION): "Round",
        (KEY, Field.TITLE): "A",
    }
    frame = Frame("[x] ", "")
    shown = framed(Content(units), frame)
    assert shown.units == {
        (MASTER, Field.TITLE): "[x] Round",
        (MASTER, Field.LOCATION): "Round",
        (KEY, Field.TITLE): "[x] A",
    }
    assert content(unframed(shown.units, frame)).units == units
    assert unframed({(KEY, Field.TITLE): None}, frame) == {(KEY, Field.TITLE): None}


def test_an_empty_title_stays_empty() -> None:
    shown = Content({(MASTER, Field.TITLE): "Round", (KEY, Field.TITLE): ""})
    assert framed(shown, Frame("[x] ", "")).get((KEY, Field.TITLE)) == ""
    assert framed(Content({}), Frame("[x] ", "")).units == {}
