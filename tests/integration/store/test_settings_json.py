"""The settings of an integration as JSON: names of the API, defaults, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send, Skip, Winner
from calbridge.domain.settings_json import IntegrationSettings, Range, patched, settings_in, settings_out
from calbridge.errors import Refused

types = st.frozensets(st.sampled_from(ItemType))
privacies = st.builds(Privacy, st.sampled_from(Level), st.sampled_from(Level))
skips = st.builds(Skip, *[st.booleans()] * 3, st.lists(st.text(max_size=5), max_size=3).map(tuple))
options = st.builds(
    Options,
    retrieve=st.builds(Retrieve, *[st.booleans()] * 3, privacies, skips),
    send=st.builds(Send, types, privacies, st.booleans(), st.sampled_from(OnLeave)),
    conflict=st.sampled_from(Winner),
    existence_linked=types,
    invitations_all=st.booleans(),
)
days = st.none() | st.integers(0, 36_500)
ranges = st.none() | st.builds(Range, days, days)
everything = st.builds(IntegrationSettings, options, ranges, ranges, st.none() | st.integers(1, 1440))


@given(everything)
def test_settings_come_back_exactly(settings: IntegrationSettings) -> None:
    assert settings_in(settings_out(settings)) == settings


def test_what_is_absent_or_null_has_its_default() -> None:
    assert settings_in({}) == IntegrationSettings()
    assert settings_in({"send": None, "retrieve": {"privacy": None}}) == IntegrationSettings()
    assert settings_in({"send": {"types": []}}).options.send.types == frozenset()


def test_the_tenant_says_how_far_back_live_sync_looks_and_what_hidden_entries_are_called() -> None:
    tenant = {"live_past_days": 0, "default_minutes": 45, "busy_title": "Belegt", "name": "else"}
    found = settings_in({}, tenant).options
    assert (found.live_past_days, found.default_minutes, found.busy_title) == (0, 45, "Belegt")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"retreive": {}}, "retreive"),
        ({"retrieve": {"create": "yes"}}, "retrieve.create"),
        ({"retrieve": []}, "retrieve"),
        ({"retrieve": {"privacy": {"private": "none"}}}, "retrieve.privacy.private"),
        ({"retrieve": {"privacy": {"public": "full"}}}, "retrieve.privacy.public"),
        ({"retrieve": {"skip": {"categories": "a"}}}, "retrieve.skip.categories"),
        ({"retrieve": {"skip": {"categories": ["a"] * 101}}}, "retrieve.skip.categories"),
        ({"send": {"types": ["meeting"]}}, "send.types"),
        ({"send": {"on_leave": 1}}, "send.on_leave"),
        ({"ranges": {"retrieve": {"past_days": -1}}}, "ranges.retrieve.past_days"),
        ({"ranges": {"send": {"past_days": True}}}, "ranges.send.past_days"),
        ({"ranges": {"both": {}}}, "ranges.both"),
        ({"conflict": "me"}, "conflict"),
        ({"existence": {"task": "gone"}}, "existence.task"),
        ({"invitations": "some"}, "invitations"),
        ({"poll_minutes": 0}, "poll_minutes"),
        ({"poll_minutes": 1.5}, "poll_minutes"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(data: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        settings_in(data)
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_value", field)


def test_a_patch_replaces_lists_and_removes_with_null() -> None:
    before = {"send": {"types": ["task", "todo"], "forward": True}, "conflict": "linked"}
    patch = {"send": {"types": ["task"], "forward": None}, "retrieve": {"skip": {"free": True}}}
    expected = {"send": {"types": ["task"]}, "conflict": "linked", "retrieve": {"skip": {"free": True}}}
    assert patched(before, patch) == expected
    assert before["conflict"] == "linked"
