"""On SQLite, what is asked by many keys at once costs what these keys cost, however much else a user has.

Without statistics SQLite rates an index by how many of its columns are given. For some questions it would so choose one
that leads through everything of a user; its own account of what it is going to do tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from calbridge.store.database import Database
from calbridge.sync.ports import Page

from .helpers import INTEGRATION, TENANT, USER, fill, run_store

KEYS = ("one", "two", "three")
OTHER = "i2"
ALL_OF_A_USER = re.compile(r"SCAN (items|links|known|link_uids|keys)\b")
BY_KEY = re.compile(r"\b(id|item_id|link_id|remote_hash|uid_hash|ical_hash|match|marker_hash|external_hash|key)=\?")
MANY_ROWS = re.compile(r"SEARCH (items|links|known|link_uids|keys)\b")

PAGE: dict[str, Callable[[Page], object]] = {
    "what a page is told to expect": lambda page: page.expect(KEYS, KEYS, KEYS, KEYS),
    "links by id": lambda page: page.links(KEYS),
    "links by remote id": lambda page: page.links_at(KEYS),
    "links by item": lambda page: page.links_of(KEYS),
    "links by a present or former uid": lambda page: page.links_with_uid(KEYS),
    "known rows by remote id": lambda page: page.known(KEYS),
    "known rows by uid, match and marker": lambda page: page.known_matching(*KEYS),
    "items by id": lambda page: page.items(KEYS),
    "items by uid and match": lambda page: page.items_matching("one", "two"),
    "links of other integrations by uid": lambda page: page.linked_elsewhere("one"),
    "known rows of other integrations by uid": lambda page: page.wake_known("one"),
    "keys": lambda page: page.key_owner("one"),
}


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """What SQLite is going to do for each question that is asked inside; filled in at the end."""
    asked: list[tuple[str, object]] = []
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield told
    event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            told.extend(row.detail for row in rows)


def led_through_all(told: list[str]) -> list[str]:
    """The steps that lead through more than the rows with a key."""
    return [step for step in told if ALL_OF_A_USER.match(step) or (MANY_ROWS.match(step) and not BY_KEY.search(step))]


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """PostgreSQL keeps statistics, and its choice depends on them."""
    return str(request.param)


@pytest.mark.parametrize("question", PAGE)
def test_a_page_of_a_run_looks_at_the_rows_it_asks_for(database: Database, question: str) -> None:
    fill(database, integrations=(INTEGRATION, OTHER))
    store = run_store(database)
    with plans(database) as told, store.page() as page:
        PAGE[question](page)
    assert any(BY_KEY.search(step) for step in told)
    assert led_through_all(told) == []


def test_what_is_outstanding_is_asked_of_the_indexes_of_what_is_outstanding(database: Database) -> None:
    fill(database)
    store = run_store(database)
    with plans(database) as told, store.page() as page:
        assert page.outstanding(datetime.now(UTC)).settled
    looked = [step for step in told if MANY_ROWS.match(step)]
    indexes = ["ix_links_work", "ix_known_recheck", "ix_links_gone", "ix_links_waiting"]
    assert [name for name, step in zip(indexes, looked, strict=True) if name not in step] == []


WORK: dict[str, tuple[Callable[[Page], object], str]] = {
    "links to read": (lambda page: page.links_to_read(datetime.now(UTC), "a", 10), "ix_links_work"),
    "links to send": (lambda page: page.links_to_send(datetime.now(UTC), "a", 10), "ix_links_work"),
    "links that create": (lambda page: page.has_creates(datetime.now(UTC)), "ix_links_work"),
    "links that are gone": (lambda page: page.links_gone("a", 10, waiting=False), "ix_links_gone"),
    "how many of them wait": (lambda page: page.gone_waiting(), "ix_links_"),
    "links that wait": (lambda page: page.links_waiting("a", 10), "ix_links_waiting"),
    "known rows to decide again": (lambda page: page.known_to_recheck(datetime.now(UTC), "a", 10), "ix_known_recheck"),
}


@pytest.mark.parametrize("question", WORK)
def test_a_page_of_work_is_asked_of_the_index_of_that_work(database: Database, question: str) -> None:
    fill(database)
    store = run_store(database)
    asks, index = WORK[question]
    with plans(database) as told, store.page() as page:
        asks(page)
    looked = [step for step in told if MANY_ROWS.match(step)]
    assert [step for step in looked if index in step] == looked != []


def test_a_list_of_items_and_their_links_is_read_by_id(database: Database) -> None:
    fill(database)
    with plans(database) as told, database.read(TENANT) as work:
        work.items.many(USER, KEYS)
        work.items.of_anyone(KEYS)
        work.items.by_external_ids(USER, KEYS)
        work.memories.links_of_items(KEYS)
    assert len([step for step in told if MANY_ROWS.match(step)]) == 4
    assert led_through_all(told) == []
