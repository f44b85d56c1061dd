"""Values survive the way through JSON exactly, whatever they hold."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from calbridge.domain.content import Content, Field, People, Person, Span, Text
from calbridge.domain.event import Editable
from calbridge.domain.times import TimeKind, When
from calbridge.store import codec

texts = st.text(st.characters(codec=None), max_size=8)
moments = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)).map(
    lambda moment: moment.replace(fold=0)
)
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
instants = st.datetimes(timezones=zones, min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1))
whens = st.builds(When, st.sampled_from(TimeKind), moments, st.none() | texts, st.none() | st.integers(-50_000, 50_000))
spans = st.builds(Span, whens, whens, st.lists(texts, max_size=3).map(tuple))
persons = st.builds(Person, texts, texts, texts)
peoples = st.builds(People, st.none() | persons, st.lists(persons, max_size=3).map(tuple))
values = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    spans,
    st.builds(Text, texts, st.none() | texts),
    peoples,
    st.lists(texts, max_size=3).map(tuple),
    st.lists(st.integers(), max_size=3).map(tuple),
    st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
)
keys = st.just("") | moments.map(lambda moment: moment.isoformat(timespec="seconds")) | texts
units = st.tuples(keys, st.sampled_from(Field))
contents = st.dictionaries(units, values, max_size=6).map(Content)


def exactly(value: object) -> str:
    """``True`` and ``1`` are equal, their reprs are not."""
    return repr(value)


@settings(max_examples=150, deadline=None)
@given(contents)
def test_a_content_comes_back_exactly(content: Content) -> None:
    told = codec.content_out(content)
    assert told.isascii()
    back = codec.content_in(told)
    assert back == content
    assert all(exactly(back.get(unit)) == exactly(content.get(unit)) for unit in content)


@settings(max_examples=60, deadline=None)
@given(st.frozensets(units, max_size=5), st.lists(st.tuples(texts, instants), max_size=3).map(tuple))
def test_sets_of_units_and_undone_targets_come_back_exactly(
    found: frozenset[tuple[str, Field]], undone: tuple[tuple[str, datetime], ...]
) -> None:
    assert codec.unit_set_in(codec.unit_set_out(found)) == found
    assert codec.undone_in(codec.undone_out(undone)) == undone


@given(st.builds(Editable, *[st.booleans()] * 5))
def test_what_may_be_edited_comes_back_exactly(editable: Editable) -> None:
    assert codec.editable_in(codec.editable_out(editable)) == editable


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(texts, st.tuples(values, values | whens | persons | instants), max_size=3))
def test_the_changes_of_a_log_line_come_back_exactly(changes: dict[str, tuple[object, object]]) -> None:
    assert codec.changes_in(codec.changes_out(changes)) == changes


def test_what_is_of_no_known_kind_is_told_as_text() -> None:
    assert codec.plain(timedelta(hours=1)) == "1:00:00"
