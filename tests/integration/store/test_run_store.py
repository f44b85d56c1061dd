"""What every run store must keep, whatever it is made of (:mod:`calbridge.sync.ports`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Content, Field
from calbridge.domain.event import Editable
from calbridge.domain.fingerprint import KeyMaker
from calbridge.domain.item import ItemType
from calbridge.domain.options import Level
from calbridge.errors import ItemChanged, LeaseLost
from calbridge.store.database import Database
from calbridge.store.leases import Leases
from calbridge.sync.in_memory import InMemoryStore, Tables
from calbridge.sync.memory import (
    Direction,
    Integration,
    Intent,
    Known,
    KnownState,
    Link,
    LinkState,
    LogEntry,
    MadeBy,
    Op,
)
from calbridge.sync.ports import Page

from .helpers import INTEGRATION, TENANT, USER, Clock, an_item, event, fill, run_store

NOW = datetime(2027, 1, 5, 9, tzinfo=UTC)
OTHER = "i2"
LONG = "/calendars/" + "ü" * 1989


@dataclass
class Subject:
    """A store under test: pages of two integrations of one user, and a way to lose the lease."""

    page: Callable[[], AbstractContextManager[Page]]
    other_page: Callable[[], AbstractContextManager[Page]]
    lose: Callable[[], None]
    renew: Callable[[], None]
    keys: KeyMaker


@pytest.fixture(params=["sqlite", "postgresql", "dictionaries"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """What the store is made of."""
    return str(request.param)


@pytest.fixture
def subject(database_kind: str, request: pytest.FixtureRequest, clock: Clock) -> Subject:
    """The store."""
    if database_kind == "dictionaries":
        return _dictionaries(clock)
    return _database(request.getfixturevalue("database"))


def _dictionaries(clock: Clock) -> Subject:
    keys = KeyMaker(b"k" * 32, "here", TENANT)
    rows = {each: Integration(each, TENANT, USER, f"calendar of {each}") for each in (INTEGRATION, OTHER)}
    tables = Tables(integrations=rows)
    store, other = (InMemoryStore(tables, each, clock, keys) for each in (INTEGRATION, OTHER))

    def lose() -> None:
        store.holds_lease = False

    return Subject(store.page, other.page, lose, store.renew, keys)


def _database(database: Database) -> Subject:
    fill(database, integrations=(INTEGRATION, OTHER))
    store, other = run_store(database), run_store(database, OTHER, "r2")

    def lose() -> None:
        Leases(database).release(store._lease)
        assert Leases(database).acquire(TENANT, INTEGRATION, "successor", 60) is not None

    return Subject(store.page, other.page, lose, store.renew, database.keys(TENANT))


def a_link(link_id: str, item_id: str | None = None, **facts: Any) -> Link:
    return Link(link_id, item_id or f"item of {link_id}", **facts)


def with_items(page: Page, *links: Link) -> None:
    for item_id in {link.item_id for link in links}:
        if page.item(item_id) is None:
            page.add_item(an_item(item_id))
    for link in links:
        page.put_link(link)


FULL_LINK = a_link(
    "full",
    remote_id=LONG,
    uid="uid\x00with \ud800 odd signs",
    key="cb-i1-abc",
    generation=3,
    made_by=MadeBy.ADOPTED,
    state=LinkState.WITHHELD,
    reason="withheld",
    since=NOW,
    sent=event("Sent"),
    shown=event("Shown \x00 \U0001f4c5"),
    seen_version='"etag"',
    native=b"BEGIN:VCALENDAR\r\n\x00\xff" * 50,
    level=Level.BUSY_ONLY,
    editable=Editable(time=False, response=True),
    organised_here=False,
    web_link="https://example.com/e/1",
    owed=frozenset({(MASTER, Field.TITLE), ("2027-01-05T10:00:00", Field.TIME)}),
    withheld=frozenset({(MASTER, Field.TEXT)}),
    gone_at=NOW,
    gone_sure=True,
    work=True,
    consent=True,
    guests=True,
    reread=True,
    parked="calendar \x00",
    old_uids=frozenset({"old-1", "old-2"}),
    undone=(("print", NOW), ("print", NOW + timedelta(microseconds=1))),
    retry_at=NOW + timedelta(minutes=5),
    tries=2,
    synced_version=7,
)


def test_a_link_comes_back_exactly_as_it_was_put(subject: Subject) -> None:
    with subject.page() as page:
        with_items(page, FULL_LINK)
    with subject.page() as page:
        assert page.links(["full", "none"]) == {"full": FULL_LINK}
        assert page.links_at([LONG]) == {LONG: FULL_LINK}
        assert page.links_of([FULL_LINK.item_id]) == {FULL_LINK.item_id: FULL_LINK}


def test_what_a_page_put_is_seen_by_the_same_page(subject: Subject) -> None:
    with subject.page() as page:
        assert page.links_at(["/a"]) == {}
        with_items(page, a_link("l1", remote_id="/a", uid="u", work=True))
        assert page.links_at(["/a"])["/a"].id == "l1"
        page.put_link(a_link("l1", remote_id="/b", uid="v"))
        assert page.links_at(["/a"]) == {}
        assert page.links_at(["/b"])["/b"].uid == "v"
        assert page.links_with_uid(["u"]) == []
        assert page.links_to_send(NOW, None, 10) == []
        assert page.live_count() == 1


def test_nothing_of_a_page_that_fails_is_stored(subject: Subject) -> None:
    def failing() -> None:
        with subject.page() as page:
            with_items(page, a_link("l1"))
            page.put_known(Known("/k"))
            page.save_integration(replace(page.integration(), cursor="c1"))
            page.links_to_send(NOW, None, 10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    with subject.page() as page:
        assert page.links(["l1"]) == {}
        assert page.known(["/k"]) == {}
        assert page.item("item of l1") is None
        assert page.integration().cursor is None


def test_the_places_of_a_run_are_kept_and_its_options_are_not_touched(subject: Subject) -> None:
    moved = {
        "cursor": "c" * 5000,
        "checkpoint": "p\x00",
        "mark": 12,
        "baselined": True,
        "projected": "a|b",
        "leave_confirmed": True,
        "compared_at": NOW,
        "confirmed_retrieve_until": NOW,
        "confirmed_send_until": NOW + timedelta(hours=1),
    }
    with subject.page() as page:
        before = page.integration()
        page.save_integration(replace(before, **moved, options=replace(before.options, live_past_days=1)))
        assert page.integration().cursor == moved["cursor"]
    with subject.page() as page:
        assert page.integration() == replace(before, **moved)
    with subject.other_page() as page:
        assert page.integration().cursor is None


def test_at_one_address_a_live_link_comes_before_ended_ones(subject: Subject) -> None:
    with subject.page() as page:
        live = a_link("l2", remote_id="/a", state=LinkState.SYNCED)
        with_items(page, a_link("l1", remote_id="/a", state=LinkState.CLOSED), live)
        with_items(page, a_link("l3", remote_id="/a", state=LinkState.CLOSED), a_link("l4", remote_id="/A"))
    with subject.page() as page:
        assert page.links_at(["/a"]) == {"/a": live}
        assert page.links_at(["/A"])["/A"].id == "l4"


def test_of_an_item_the_link_that_is_not_closed_counts(subject: Subject) -> None:
    with subject.page() as page:
        opened = a_link("l2", "it", state=LinkState.WITHDRAWN)
        with_items(page, a_link("l9", "it", state=LinkState.CLOSED), opened)
        with_items(page, a_link("l1", "it", state=LinkState.CLOSED))
        assert page.links_of(["it"]) == {"it": opened}
    with subject.page() as page:
        assert page.links_of(["it"]) == {"it": opened}


def test_of_an_item_with_closed_links_only_the_newest_counts(subject: Subject) -> None:
    for link_id in ("l9", "l1", "l5"):
        with subject.page() as page:
            with_items(page, a_link(link_id, "it", state=LinkState.CLOSED))
    with subject.page() as page:
        assert page.links_of(["it"])["it"].id == "l5"


def test_links_are_found_by_present_and_by_old_uids(subject: Subject) -> None:
    with subject.page() as page:
        with_items(page, a_link("l1", uid="now", old_uids=frozenset({"was"})), a_link("l2", uid="was"))
        assert {link.id for link in page.links_with_uid(["was"])} == {"l1", "l2"}
    with subject.page() as page:
        assert {link.id for link in page.links_with_uid(["was"])} == {"l1", "l2"}
        assert {link.id for link in page.links_with_uid(["now", "none"])} == {"l1"}
        page.put_link(a_link("l1", uid="now"))
        assert {link.id for link in page.links_with_uid(["was"])} == {"l2"}
    with subject.page() as page:
        assert {link.id for link in page.links_with_uid(["was"])} == {"l2"}


def test_all_links_are_listed_in_order_of_their_ids(subject: Subject) -> None:
    ids = ["B", "a", "b", "Z", "z1", "z10", "z2"]
    with subject.page() as page:
        with_items(page, *(a_link(each) for each in ids))
    with subject.page() as page:
        first = page.all_links(None, 3)
        rest = page.all_links(first[-1].id, 10)
        assert [link.id for link in [*first, *rest]] == sorted(ids)


def test_work_waits_for_its_retry_and_for_an_open_step(subject: Subject) -> None:
    with subject.page() as page:
        with_items(
            page,
            a_link("idle"),
            a_link("now", work=True),
            a_link("past", work=True, retry_at=NOW),
            a_link("later", work=True, retry_at=NOW + timedelta(seconds=1)),
            a_link("busy", work=True),
        )
        page.put_intent(Intent("s1", "busy", Op.CREATE))
        assert [link.id for link in page.links_to_send(NOW, None, 10)] == ["now", "past"]
    with subject.page() as page:
        assert [link.id for link in page.links_to_send(NOW, None, 1)] == ["now"]
        page.drop_intent("s1")
        assert [link.id for link in page.links_to_send(NOW + timedelta(hours=1), None, 10)] == [
            "busy",
            "later",
            "now",
            "past",
        ]


def test_what_is_to_do_is_told_apart_by_what_it_needs_and_given_page_by_page(subject: Subject) -> None:
    with subject.page() as page:
        with_items(
            page,
            a_link("a", work=True),
            a_link("b", work=True, reread=True, remote_id="/b"),
            a_link("c", work=True, reread=True),
            a_link("d", work=True, reread=True, remote_id="/d", gone_at=NOW),
            a_link("e", work=True, reread=True, remote_id="/e"),
            a_link("f", reread=True, remote_id="/f"),
            a_link("g", remote_id="/g", reason="confirmation_needed"),
            a_link("h", remote_id="/h", reason="confirmation_needed"),
        )
    with subject.page() as page:
        assert [link.id for link in page.links_to_send(NOW, None, 2)] == ["a", "c"]
        assert page.links_to_send(NOW, "c", 2) == []
        assert [link.id for link in page.links_to_read(NOW, None, 1)] == ["b"]
        assert [link.id for link in page.links_to_read(NOW, "b", 9)] == ["e"]
        assert [link.id for link in page.links_waiting(None, 1)] == ["g"]
        assert [link.id for link in page.links_waiting("g", 9)] == ["h"]


def test_a_create_to_do_is_found_until_its_step_is_open(subject: Subject) -> None:
    with subject.page() as page:
        with_items(page, a_link("there", work=True, remote_id="/there"), a_link("done"))
        assert not page.has_creates(NOW)
        with_items(page, a_link("new", work=True))
        assert page.has_creates(NOW)
        page.put_intent(Intent("s1", "new", Op.CREATE))
        assert not page.has_creates(NOW)


def test_evidence_of_deletions_is_given_page_by_page_and_what_waits_on_request(subject: Subject) -> None:
    with subject.page() as page:
        with_items(
            page,
            a_link("b", gone_at=NOW),
            a_link("c", gone_at=NOW - timedelta(hours=1)),
            a_link("a", gone_at=NOW),
            a_link("d"),
            a_link("w", gone_at=NOW, state=LinkState.PENDING_DELETE, reason="confirmation_needed"),
            a_link("v", state=LinkState.PENDING_DELETE, reason="confirmation_needed"),
        )
    with subject.page() as page:
        assert [link.id for link in page.links_gone(None, 2, waiting=False)] == ["a", "b"]
        assert [link.id for link in page.links_gone("b", 2, waiting=False)] == ["c"]
        assert [link.id for link in page.links_gone(None, 9, waiting=True)] == ["a", "b", "c", "w"]
        assert page.gone_waiting() == 1


def test_only_links_with_an_event_that_is_followed_are_live(subject: Subject) -> None:
    with subject.page() as page:
        with_items(page, *(a_link(state.value, remote_id="/" + state.value, state=state) for state in LinkState))
        with_items(page, a_link("without address", state=LinkState.PENDING))
        assert page.live_count() == len(LinkState) - 3
    with subject.other_page() as page:
        assert page.live_count() == 0


def test_a_dropped_link_is_gone(subject: Subject) -> None:
    with subject.page() as page:
        with_items(page, a_link("l1", remote_id="/a", uid="u", old_uids=frozenset({"o"})))
    with subject.page() as page:
        page.drop_link("l1")
        page.drop_link("never was")
        assert page.links_at(["/a"]) == {}
        assert page.links_with_uid(["u", "o"]) == []
    with subject.page() as page:
        assert page.links(["l1"]) == {}


def test_known_rows_come_back_exactly(subject: Subject) -> None:
    row = Known(
        LONG, "v1", "uid\x00", "marker", "f" * 64, NOW, NOW + timedelta(hours=1), KnownState.QUARANTINED, "no_uid",
        indexed=True, recheck=True, ranged=Window(date(2026, 1, 1), None), retry_at=NOW, tries=3,
    )  # fmt: skip
    with subject.page() as page:
        page.put_known(row)
        page.put_known(Known("/plain"))
        assert page.known([LONG, "/none"]) == {LONG: row}
    with subject.page() as page:
        assert page.known([LONG, "/plain", "/none"]) == {LONG: row, "/plain": Known("/plain")}


def test_known_rows_are_found_by_uid_match_or_marker(subject: Subject) -> None:
    rows = [Known("/u", uid="u"), Known("/m", match="m"), Known("/k", marker="k"), Known("/none")]
    with subject.page() as page:
        for row in rows:
            page.put_known(row)
        assert {row.remote_id for row in page.known_matching("u", "m", "k")} == {"/u", "/m", "/k"}
    with subject.page() as page:
        assert page.known_matching(None, None, None) == []
        assert page.known_matching("", "", "") == []
        assert page.known_matching("u", "x", None) == [rows[0]]
        assert page.known_matching(None, None, "k") == [rows[2]]


def test_known_rows_wait_for_indexing_and_for_a_new_decision(subject: Subject) -> None:
    with subject.page() as page:
        page.put_known(Known("/new"))
        page.put_known(Known("/read", indexed=True))
        page.put_known(Known("/broken", state=KnownState.QUARANTINED))
        page.put_known(Known("/again", indexed=True, recheck=True))
        assert [row.remote_id for row in page.known_to_index(10)] == ["/new"]
        page.put_known(Known("/later", recheck=True, retry_at=NOW + timedelta(minutes=5), tries=2))
        assert [row.remote_id for row in page.known_to_recheck(NOW, None, 10)] == ["/again"]
        assert page.known_to_recheck(NOW, "/again", 10) == []
        later = NOW + timedelta(minutes=5)
        assert [row.remote_id for row in page.known_to_recheck(later, None, 10)] == ["/again", "/later"]


def test_known_rows_are_listed_in_order_and_forgotten(subject: Subject) -> None:
    names = ["/b", "/A", "/a", "/ä", "/Z"]
    with subject.page() as page:
        for each in names:
            page.put_known(Known(each))
    with subject.page() as page:
        first = page.all_known(None, 2)
        assert [row.remote_id for row in [*first, *page.all_known(first[-1].remote_id, 10)]] == sorted(names)
        page.drop_known(["/A", "/never"])
        assert page.known(["/A"]) == {}
    with subject.page() as page:
        assert [row.remote_id for row in page.all_known(None, 10)] == sorted(set(names) - {"/A"})


def test_what_a_listing_named_is_kept_for_its_checkpoint(subject: Subject) -> None:
    with subject.page() as page:
        page.save_integration(replace(page.integration(), checkpoint="p2"))
        page.keep_listed({"/old"})
        page.keep_listed({LONG, "/nul\x00", "/half\ud800"})
        assert page.listed() == {LONG, "/nul\x00", "/half\ud800"}
    with subject.other_page() as page:
        page.save_integration(replace(page.integration(), checkpoint="p2"))
        assert page.listed() is None
    with subject.page() as page:
        assert page.listed() == {LONG, "/nul\x00", "/half\ud800"}
        page.save_integration(replace(page.integration(), checkpoint="p3"))
        assert page.listed() is None
        page.save_integration(replace(page.integration(), checkpoint=None))
        assert page.listed() is None
        page.save_integration(replace(page.integration(), checkpoint="p2"))
        page.keep_listed(None)
        assert page.listed() is None


def test_waking_a_uid_reaches_all_integrations_of_the_user(subject: Subject) -> None:
    with subject.page() as page:
        page.put_known(Known("/here", uid="u", state=KnownState.ALREADY_HERE))
        page.put_known(Known("/only listed", uid="u"))
        page.put_known(Known("/else", uid="v", state=KnownState.ALREADY_HERE))
    with subject.other_page() as page:
        silent = {"retry_at": NOW + timedelta(hours=1), "tries": 4}
        page.put_known(Known("/there", uid="u", state=KnownState.AMBIGUOUS, recheck=True, **silent))
        page.put_known(Known("/only listed", uid="u"))
    with subject.page() as page:
        page.wake_known("u")
        assert [row.remote_id for row in page.known_to_recheck(NOW, None, 10)] == ["/here"]
    with subject.other_page() as page:
        assert [row.remote_id for row in page.known_to_recheck(NOW, None, 10)] == ["/there"]


def test_steps_come_back_exactly_and_in_their_order(subject: Subject) -> None:
    first = Intent(
        "z", "l1", Op.UPDATE, "/a", "uid\x00", "key", 2, "v", event("Target"),
        {(MASTER, Field.TITLE): None, (MASTER, Field.TIME): event().span}, {"2027-01-05": None, "2027-01-06": "x"},
        redact=True, created_at=NOW, purpose="withdraw",
    )  # fmt: skip
    with subject.page() as page:
        with_items(page, a_link("l1"))
        page.put_intent(first)
    with subject.page() as page:
        page.put_intent(Intent("b", "l1", Op.CREATE))
        page.put_intent(Intent("a", "l1", Op.DELETE))
        assert [each.id for each in page.intents()] == ["z", "b", "a"]
    with subject.page() as page:
        assert page.intents()[0] == first
        page.drop_intent("b")
        page.drop_intent("never was")
        assert [each.id for each in page.intents()] == ["z", "a"]
    with subject.page() as page:
        assert [each.id for each in page.intents()] == ["z", "a"]
    with subject.other_page() as page:
        assert page.intents() == []


def test_items_get_versions_and_an_order_of_changes(subject: Subject) -> None:
    with subject.page() as page:
        assert page.add_item(an_item("a")).version == 1
        page.add_item(an_item("b"))
    with subject.page() as page:
        found = page.items_after(0, 10)
        assert [item.id for item in found] == ["a", "b"]
        mark = found[-1].seq
        assert page.items_after(mark, 10) == []
        changed = page.put_item(replace(found[0], content=event("New")), 1)
        assert changed.version == 2
        assert page.item("a") == changed or page.items(["a"])["a"].version == 2
    with subject.page() as page:
        (found_again,) = page.items_after(mark, 10)
        assert (found_again.id, found_again.version, found_again.content) == ("a", 2, event("New"))
        assert page.items(["a", "b", "c"]).keys() == {"a", "b"}


def test_items_that_a_link_has_taken_over_need_no_scan(subject: Subject) -> None:
    with subject.page() as page:
        for name in ("taken", "failed", "older", "deleted", "free"):
            page.add_item(an_item(name))
    with subject.page() as page:
        page.put_item(replace(page.items(["older"])["older"], content=event("New")), 1)
        page.delete_item("deleted", 1)
        for name in ("taken", "older", "deleted"):
            page.put_link(Link(f"of {name}", name, f"/{name}", state=LinkState.SYNCED, synced_version=1))
        page.put_link(Link("of failed", "failed", "/failed", state=LinkState.FAILED, synced_version=1))
    with subject.page() as page:
        items = page.items(["taken", "failed", "older", "deleted", "free"])
        last = max(item.seq for item in items.values())
        found, mark = page.items_to_scan(0, 10)
        assert [item.id for item in found] == ["failed", "free", "older", "deleted"]
        assert (found[-1].deleted, mark) == (True, last)
        assert page.items_to_scan(0, 2) == (found[:2], items["free"].seq)
        assert page.items_to_scan(items["failed"].seq, 10) == (found[1:], last)
        assert page.items_to_scan(last, 10) == ([], last)
        assert page.items_to_scan(last + 5, 10) == ([], last + 5)
    with subject.other_page() as page:
        assert len(page.items_to_scan(0, 10)[0]) == 5


def test_what_is_taken_over_in_a_page_needs_no_scan_in_it(subject: Subject) -> None:
    with subject.page() as page:
        page.add_item(an_item("a"))
    with subject.page() as page:
        page.put_link(Link("l", "a", "/a", state=LinkState.SYNCED, synced_version=1))
        found, mark = page.items_to_scan(0, 10)
        assert (found, mark) == ([], page.items(["a"])["a"].seq)


def test_items_are_written_only_on_the_version_that_was_read(subject: Subject) -> None:
    with subject.page() as page:
        item = page.add_item(an_item("a"))
    with subject.page() as page:
        page.put_item(replace(item, content=event("First")), 1)
    with pytest.raises(ItemChanged), subject.page() as page:
        page.put_item(replace(item, content=event("Second")), 1)
    with pytest.raises(ItemChanged), subject.page() as page:
        page.delete_item("a", 1)
    with subject.page() as page:
        found = page.item("a")
        assert found is not None
        assert found.content == event("First")


def test_a_deleted_item_is_a_tombstone_with_its_last_state(subject: Subject) -> None:
    with subject.page() as page:
        page.add_item(an_item("a"))
        page.delete_item("a", 1)
    with subject.page() as page:
        (found,) = page.items_after(0, 10)
        assert (found.deleted, found.version, found.content) == (True, 2, event())
        assert page.items_matching(None, subject.keys.match(event())) == []
        restored = page.put_item(replace(found, deleted_at=None), 2)
        assert not restored.deleted
    with subject.page() as page:
        assert [item.id for item in page.items_matching(None, subject.keys.match(event()))] == ["a"]


def test_items_match_by_uid_or_meaning_while_nothing_here_is_linked_to_them(subject: Subject) -> None:
    match = subject.keys.match(event())
    with subject.page() as page:
        for name, uid in (("uid", "u"), ("event", None), ("closed", None), ("pending", None)):
            page.add_item(an_item(name, ical_uid=uid))
        page.put_link(a_link("l1", "event", remote_id="/a"))
        page.put_link(a_link("l2", "closed", state=LinkState.CLOSED))
        page.put_link(a_link("l3", "pending"))
        assert {item.id for item in page.items_matching("u", None)} == {"uid"}
        assert {item.id for item in page.items_matching(None, match)} == {"uid", "pending"}
    with subject.page() as page:
        assert {item.id for item in page.items_matching("u", "other")} == {"uid"}
        assert page.items_matching(None, None) == []
    with subject.other_page() as page:
        assert {item.id for item in page.items_matching(None, match)} == {"uid", "event", "closed", "pending"}


def test_a_living_item_without_an_event_is_unlinked(subject: Subject) -> None:
    with subject.page() as page:
        assert not page.has_unlinked_items()
        page.add_item(an_item("a", type=ItemType.SERVICE_CALL))
        assert page.has_unlinked_items()
        page.put_link(a_link("l1", "a", remote_id="/a"))
        assert not page.has_unlinked_items()
        page.add_item(an_item("b"))
        page.delete_item("b", 1)
        assert not page.has_unlinked_items()


def test_a_live_link_of_another_integration_is_found_by_uid(subject: Subject) -> None:
    with subject.other_page() as page:
        with_items(page, a_link("l1", remote_id="/a", uid="live"))
        with_items(page, a_link("l2", remote_id="/b", uid="closed", state=LinkState.CLOSED))
    with subject.page() as page:
        with_items(page, a_link("l3", remote_id="/c", uid="mine"))
        assert page.linked_elsewhere("live")
        assert not page.linked_elsewhere("closed")
        assert not page.linked_elsewhere("mine")


def test_a_key_is_known_to_all_integrations(subject: Subject) -> None:
    with subject.page() as page:
        page.keep_key("cb-i1-k", "item")
        page.keep_key("cb-i1-k", "item")
    with subject.other_page() as page:
        owner = page.key_owner("cb-i1-k")
        assert owner is not None
        assert (owner.integration_id, owner.item_id, owner.live, owner.same_user) == (INTEGRATION, "item", True, True)
        assert page.key_owner("cb-i1-other") is None


def test_deletions_of_one_direction_are_counted_from_the_log(subject: Subject) -> None:
    def entry(action: str, direction: Direction, hours: int) -> LogEntry:
        return LogEntry(NOW - timedelta(hours=hours), action, direction)

    with subject.page() as page:
        page.log(entry("delete", Direction.RETRIEVE, 30))
        page.log(entry("delete", Direction.RETRIEVE, 2))
        page.log(entry("delete", Direction.SEND, 2))
        page.log(entry("update", Direction.RETRIEVE, 2))
        assert page.deletions(Direction.RETRIEVE, NOW - timedelta(hours=24)) == 1
    with subject.page() as page:
        assert page.deletions(Direction.RETRIEVE, NOW - timedelta(hours=48)) == 2
    with subject.other_page() as page:
        assert page.deletions(Direction.SEND, NOW - timedelta(hours=48)) == 0


def test_a_run_that_lost_its_lease_does_nothing_more(subject: Subject) -> None:
    with subject.page() as page:
        with_items(page, a_link("l1"))
    subject.lose()
    with pytest.raises(LeaseLost):
        subject.renew()
    with pytest.raises(LeaseLost), subject.page():
        pass


def test_contents_keep_every_unit(subject: Subject) -> None:
    odd = Content({(MASTER, Field.TITLE): "", ("2027-01-05", Field.EXISTS): False, (MASTER, Field.REMINDERS): (5, 10)})
    with subject.page() as page:
        with_items(
            page, a_link("l1", sent=odd, shown=Content({(MASTER, Field.RESPONSES): (("a@example.com", "yes"),)}))
        )
    with subject.page() as page:
        link = page.links(["l1"])["l1"]
        assert link.sent == odd
        assert link.shown.units == {(MASTER, Field.RESPONSES): (("a@example.com", "yes"),)}
