"""Single rules of a run that no history tells by the way, each named by what it promises (SYNC A to F)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Field
from calbridge.domain.item import ItemType
from calbridge.domain.options import Options, Retrieve, Send, Winner
from calbridge.errors import CalendarGone, LeaseLost, PermissionMissing, Throttled, Unavailable
from calbridge.sync.context import PAGE
from calbridge.sync.engine import Task, run
from calbridge.sync.in_memory import InMemoryPage, InMemoryStore
from calbridge.sync.memory import Integration, KnownState, Link, LinkState, MadeBy
from calbridge.testing.memory import Crash, MemoryConnector, Switches
from tests.unit.sync.world import SECOND, Slices, World, event, text

TITLE, PLACE = (MASTER, Field.TITLE), (MASTER, Field.LOCATION)


def started(switches: Switches | None = None, options: Options | None = None) -> World:
    world = World(switches, options)
    world.run()
    return world


def sent(world: World, title: str = "Visit", start: str = "2027-02-01 09:00", **more: object) -> str:
    """An item that lives on both sides."""
    item = world.psa.add(event(title, start, **more))
    world.run()
    return item


def many(world: World, number: int) -> list[str]:
    """So many items on both sides, and their addresses in order."""
    items = [world.psa.add(event(f"Call {each}", f"2027-02-{each % 28 + 1:02} 09:00")) for each in range(number)]
    world.run()
    return items


class OpenStore(InMemoryStore):
    """A store that knows whether one of its transactions is open."""

    open = 0

    @contextmanager
    def page(self) -> Iterator[InMemoryPage]:
        self.open += 1
        try:
            with super().page() as page:
                yield page
        finally:
            self.open -= 1


class WatchedStore(InMemoryStore):
    """A store that notes how many links and known rows each of its transactions was given, by the question."""

    def __init__(self, world: World) -> None:
        super().__init__(world.tables, "A", world.clock, world.keys)
        self.given: list[tuple[str, int]] = []

    @contextmanager
    def page(self) -> Iterator[InMemoryPage]:
        with super().page() as page:
            yield cast(InMemoryPage, _Noting(page, self.given))


class _Noting:
    def __init__(self, page: InMemoryPage, given: list[tuple[str, int]]) -> None:
        self._page, self._given = page, given

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._page, name)
        if not callable(asked) or not name.startswith(("links", "all", "known")):
            return asked

        def noted(*words: Any, **more: Any) -> Any:
            answer = asked(*words, **more)
            self._given.append((name, len(answer)))
            return answer

        return noted


# --- D1, D13: lease and transactions -----------------------------------------------------------------------------


def test_no_write_goes_out_after_the_lease_was_lost() -> None:
    world = started()
    world.psa.add(event("Visit", "2027-02-01 09:00"))
    store = world.store()

    def lose_once_planned() -> None:
        store.holds_lease = not world.tables.intents

    store.before_commit = lose_once_planned
    with pytest.raises(LeaseLost):
        run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert world.event_titles() == []


def test_nothing_is_fetched_after_the_lease_was_lost() -> None:
    world = started(Switches(events_inline=False))
    sent(world)
    world.phone.create(event("Dentist", "2027-02-02 09:00"))
    store = world.store()
    world.service.io.clear()

    def lose_once_listed() -> None:
        store.holds_lease = "changes.after" not in world.service.io.passed

    store.before_commit = lose_once_listed
    with pytest.raises(LeaseLost):
        run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert "changes.after" in world.service.io.passed
    assert "fetch.before" not in world.service.io.passed


def test_no_transaction_is_open_while_the_service_is_asked() -> None:
    world = started(Switches(events_inline=False))
    items = many(world, 3)
    world.phone.edit(world.remote_of(items[0]), {TITLE: "Edited"})
    world.psa.edit(items[1], title="Moved")
    world.phone.delete(world.remote_of(items[2]))
    store = OpenStore(world.tables, "A", world.clock, world.keys)
    open_at: dict[str, int] = {}
    world.service.io.hooks.append(lambda name: open_at.update({name: max(store.open, open_at.get(name, 0))}))
    run(MemoryConnector(world.service), store, world.clock, world.keys, Task(compare=True))
    assert {"changes.before", "fetch.before", "find.before", "update.before"} <= set(open_at)
    assert set(open_at.values()) == {0}


def test_a_run_is_given_a_page_of_links_at_most_and_decides_each_once() -> None:
    world = started()
    many(world, PAGE + 100)
    world.set_options(Options(conflict=Winner.NEWEST))
    store = WatchedStore(world)
    run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert max(number for _, number in store.given) == PAGE
    assert sum(number for name, number in store.given if name == "links_to_send") == PAGE + 100


def test_deletions_that_waited_for_a_word_go_on_page_by_page() -> None:
    world = started()
    items = many(world, PAGE + 200)
    for each in items:
        world.psa.delete(each)
    world.run()
    world.confirm()
    store = WatchedStore(world)
    run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert world.event_titles() == []
    assert max(number for _, number in store.given) == PAGE


def test_a_calendar_that_was_emptied_is_taken_in_page_by_page_before_and_after_the_word() -> None:
    world = started()
    items = many(world, PAGE + 200)
    for each in items:
        world.phone.delete(world.remote_of(each))
    store = WatchedStore(world)
    run(MemoryConnector(world.service), store, world.clock, world.keys, Task(compare=True))
    assert len(world.psa.living()) == PAGE + 200
    world.confirm()
    run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert world.psa.living() == []
    assert max(number for name, number in store.given if not name.endswith("not_at")) == PAGE


def test_what_waits_for_a_word_is_not_gone_through_again_by_every_run() -> None:
    world = started()
    for each in many(world, 60):
        world.phone.delete(world.remote_of(each))
    world.run()
    store = WatchedStore(world)
    outcome = run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert (outcome.waiting, outcome.counters["waiting_deletions"]) == (True, 60)
    assert sum(number for _, number in store.given) == 0


def test_a_long_listing_goes_on_where_it_was_cut() -> None:
    world = started(Switches(page_size=2))
    for number in range(8):
        world.phone.create(event(f"Call {number}", f"2027-02-0{number + 1} 09:00"))
    outcome = run(MemoryConnector(world.service), world.store(), world.clock, world.keys, budget=Slices(1))
    assert not outcome.complete
    assert world.tables.integrations["A"].checkpoint is not None
    assert len(world.psa.living()) == 4
    pages = world.service.io.passed.count("changes.after")
    world.run()
    assert len(world.psa.living()) == 8
    assert world.service.io.passed.count("changes.after") - pages == 2


# --- D2, F1: what options withhold -------------------------------------------------------------------------------


def test_a_withheld_edit_is_listed_and_not_applied_when_the_option_comes_on() -> None:
    world = started(options=Options(retrieve=Retrieve(update=False)))
    item = sent(world)
    world.phone.edit(world.remote_of(item), {TITLE: "Edited on the phone"})
    world.settle(2)
    assert world.link_of(item).withheld == {TITLE}
    world.set_options(Options())
    world.settle(2)
    assert world.psa.titles() == ["Visit"]
    assert world.event_titles() == ["Edited on the phone"]


def test_with_create_off_a_new_event_is_known_and_not_copied() -> None:
    world = started(options=Options(retrieve=Retrieve(create=False)))
    remote = world.phone.create(event("Dentist", "2027-02-01 09:00"))
    world.settle(2)
    assert world.psa.titles() == []
    assert ("A", remote) in world.tables.known


def test_an_unticked_type_is_not_sent() -> None:
    world = started(options=Options(send=Send(types=frozenset({ItemType.TASK}))))
    world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.psa.add(event("Report", "2027-02-01 11:00"), ItemType.TASK)
    world.settle(2)
    assert world.event_titles() == ["Report"]


# --- D4: unfinished steps ----------------------------------------------------------------------------------------


def crashed(world: World, point: str) -> None:
    world.service.io.once(1, point, Crash())
    with pytest.raises(Crash):
        world.run()


def test_a_gone_that_names_the_address_of_an_open_create_cancels_it() -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    crashed(world, "create.after")
    (remote,) = world.phone.events()
    world.phone.delete(remote)
    world.settle()
    assert world.event_titles() == []
    assert world.psa[item].deleted


def test_a_create_that_did_not_happen_is_decided_anew() -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    crashed(world, "create.before")
    world.psa.delete(item)
    world.settle()
    assert world.event_titles() == []
    assert world.tables.intents == {}


def test_every_write_has_a_stored_intent_before_its_call() -> None:
    world = started()
    item = sent(world)
    for act, point in (
        (lambda: world.psa.add(event("Second", "2027-02-02 09:00")), "create.before"),
        (lambda: world.psa.edit(item, title="Changed"), "update.before"),
        (lambda: world.psa.delete(item), "delete.before"),
    ):
        act()
        stored: list[int] = []
        world.service.io.once(1, point, lambda kept=stored: kept.append(len(world.tables.intents)))
        world.run()
        assert stored == [1], point


def test_an_update_whose_reply_was_lost_is_found_and_not_repeated() -> None:
    world = started()
    item = sent(world)
    world.psa.edit(item, title="Changed")
    crashed(world, "update.after")
    writes = world.writes()
    world.settle()
    assert world.writes() == writes
    assert world.psa.titles() == world.event_titles() == ["Changed"]
    assert world.tables.intents == {}


def test_an_edit_made_after_a_create_without_reply_is_taken() -> None:
    world = started(Switches(server_made_ids=True))
    item = world.psa.add(event("Visit", "2027-02-01 09:00", location="Room 1"))
    crashed(world, "create.after")
    (remote,) = world.phone.events()
    world.phone.edit(remote, {PLACE: "Room 7"})
    world.settle()
    assert world.psa[item].content.get(PLACE) == "Room 7"


def test_a_create_that_a_delta_shows_is_known_by_its_key() -> None:
    world = started(Switches(server_made_ids=True))
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    crashed(world, "create.after")
    (remote,) = world.phone.events()
    stored = world.service.calendar("main").events.pop(remote)
    world.service.io.once(
        1, "find.after", lambda: world.service.put(world.service.calendar("main"), stored, stored.content)
    )
    world.settle(2)
    assert list(world.phone.events()) == [remote]
    assert len(world.psa.living()) == 1
    assert world.link_of(item).remote_id == remote


def test_what_a_partial_write_left_out_is_completed() -> None:
    world = started(Switches(drops_exceptions_on_time_change=True))
    item = sent(world, "Round", rule="FREQ=DAILY;COUNT=9")
    visit = ("2027-02-03T09:00:00", Field.TITLE)
    world.psa.edit(item, {visit: "Own"})
    world.run()
    old = world.psa[item].content.span
    assert old is not None
    later = replace(old, start=old.start.shifted(timedelta(hours=1)), end=old.end.shifted(timedelta(hours=1)))
    world.psa.edit(item, time=later)
    world.settle(2)
    for shown in (world.psa[item].content, world.event_of(item)):
        assert shown is not None
        assert shown.get(("2027-02-03T10:00:00", Field.TITLE)) == "Own"


# --- D5, A6: after a write ---------------------------------------------------------------------------------------


def test_what_somebody_changed_under_an_unconditional_write_survives_and_is_taken() -> None:
    world = started(Switches(ignores_preconditions=True))
    item = sent(world, location="Room 1")
    remote = world.remote_of(item)
    world.psa.edit(item, title="Changed")
    world.service.io.once(1, "update.before", lambda: world.phone.edit(remote, {PLACE: "Room 7"}))
    world.settle()
    assert world.psa[item].content.get(PLACE) == "Room 7"
    found = world.event_of(item)
    assert found is not None
    assert (found.get(PLACE), found.title) == ("Room 7", "Changed")


def test_what_the_service_makes_of_a_written_value_is_never_taken_back() -> None:
    world = started(Switches(truncates_titles=10))
    item = sent(world)
    world.psa.edit(item, title="A title of many words")
    world.settle(2)
    assert world.event_titles() == ["A title of"]
    assert world.psa.titles() == ["A title of many words"]


def test_what_the_model_does_not_know_survives_an_update() -> None:
    world = started()
    remote = world.phone.create(event("Dentist", "2027-02-01 09:00"))
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, title="Dentist, moved")
    world.run()
    assert "X-PHONE-ONLY" in world.phone.extra(remote)


def test_redacting_our_copy_removes_what_the_model_does_not_know() -> None:
    world = started()
    item = sent(world)
    world.phone.annotate(world.remote_of(item), {"X-NOTE": "about Visit"})
    world.psa.edit(item, visibility="private")
    world.settle()
    assert world.event_titles() == ["Busy"]
    assert world.phone.extra(world.remote_of(item)) == {}


def test_the_echo_of_our_own_write_is_not_read_again() -> None:
    world = started(Switches(events_inline=False))
    item = sent(world)
    world.psa.edit(item, title="Changed")
    world.run()
    fetched = world.service.io.passed.count("fetch.before")
    world.settle(3)
    assert world.service.io.passed.count("fetch.before") == fetched


# --- D6: one item's failure --------------------------------------------------------------------------------------


def test_one_refused_item_stops_nothing_and_waits_for_a_change_of_its_own() -> None:
    world = started(Switches(rejects_titles_with="forbidden"))
    bad = world.psa.add(event("A forbidden word", "2027-02-01 09:00"))
    for number in range(8):
        world.psa.add(event(f"Call {number}", f"2027-02-0{number + 2} 09:00"))
    world.run()
    assert len(world.event_titles()) == 8
    assert (world.link_of(bad).state, world.link_of(bad).reason) == (LinkState.FAILED, "rejected")
    writes = world.writes()
    world.settle(2)
    assert world.writes() == writes
    world.psa.edit(bad, title="A good word")
    world.run()
    assert "A good word" in world.event_titles()
    assert world.link_of(bad).state is LinkState.SYNCED


def test_an_unreadable_event_fails_alone_and_is_no_deletion() -> None:
    world = started()
    item = sent(world)
    world.phone.spoil(world.remote_of(item))
    world.phone.create(event("Dentist", "2027-02-02 09:00"))
    world.settle(2)
    assert world.psa.titles() == ["Dentist", "Visit"]
    assert (world.link_of(item).state, world.link_of(item).reason) == (LinkState.FAILED, "broken_calendar_data")
    world.phone.spoil(world.remote_of(item), readable=True)
    world.settle(2)
    assert world.link_of(item).state is LinkState.SYNCED


def test_an_unreadable_new_event_is_quarantined_and_read_when_it_changes() -> None:
    world = started()
    remote = world.phone.create(event("Dentist", "2027-02-02 09:00"))
    world.phone.spoil(remote)
    world.settle(2)
    assert world.tables.known[("A", remote)].state is KnownState.QUARANTINED
    world.phone.spoil(remote, readable=True)
    world.settle(2)
    assert world.psa.titles() == ["Dentist"]


def test_an_address_without_an_answer_is_asked_again_later() -> None:
    world = started(Switches(events_inline=False))
    item = sent(world)
    world.phone.edit(world.remote_of(item), {TITLE: "Edited"})
    world.service.switches = Switches(events_inline=False, fetch_unknown=1.0)
    world.run()
    link = world.link_of(item)
    assert (link.state, link.reason) == (LinkState.FAILED, "no_answer")
    assert link.retry_at is not None
    world.service.switches = Switches(events_inline=False)
    world.service.advance(timedelta(hours=1))
    world.run()
    assert world.psa.titles() == ["Edited"]


def test_the_cursor_is_stored_only_after_what_it_covers() -> None:
    world = started(Switches(events_inline=False))
    item = sent(world)
    world.phone.edit(world.remote_of(item), {TITLE: "Edited"})
    crashed(world, "fetch.before")
    world.run()
    assert world.psa.titles() == ["Edited"]


def test_an_expired_cursor_doubles_nothing() -> None:
    world = started()
    sent(world)
    world.phone.create(event("Dentist", "2027-02-02 09:00"))
    world.run()
    world.service.expire_cursors()
    world.settle(2)
    assert world.psa.titles() == world.event_titles() == ["Dentist", "Visit"]


# --- D7: deletions -----------------------------------------------------------------------------------------------


def test_a_delta_that_says_gone_of_a_living_event_deletes_nothing() -> None:
    world = started()
    item = sent(world)
    remote = world.remote_of(item)
    world.phone.delete(remote)
    world.service.io.once(1, "changes.after", lambda: world.phone.restore(remote))
    world.run()
    assert not world.psa[item].deleted
    assert world.link_of(item).gone_at is None
    world.settle()
    assert world.psa.titles() == world.event_titles() == ["Visit"]


@pytest.mark.parametrize("error", [Unavailable(), PermissionMissing(), Throttled(), CalendarGone()])
def test_an_error_while_a_deletion_is_confirmed_is_no_evidence(error: Exception) -> None:
    world = started()
    item = sent(world)
    world.phone.delete(world.remote_of(item))
    world.service.io.fail("fetch.before", error)
    assert world.try_run() is error
    assert not world.psa[item].deleted
    assert world.link_of(item).gone_at is not None
    world.run()
    assert world.psa[item].deleted


def test_no_answer_leaves_a_deletion_pending() -> None:
    world = started()
    item = sent(world)
    world.phone.delete(world.remote_of(item))
    world.service.switches = Switches(fetch_unknown=1.0)
    world.settle(2)
    assert not world.psa[item].deleted
    assert world.link_of(item).gone_at is not None
    world.service.switches = Switches()
    world.run()
    assert world.psa[item].deleted


def test_a_sure_deletion_needs_no_look_where_addresses_never_change() -> None:
    world = started(Switches(stable_addresses=True))
    item = sent(world)
    world.phone.delete(world.remote_of(item))
    fetched = world.service.io.passed.count("fetch.before")
    world.run()
    assert world.psa[item].deleted
    assert world.service.io.passed.count("fetch.before") == fetched


def test_a_write_that_meets_nothing_only_asks_for_a_look() -> None:
    world = started()
    item = sent(world)
    remote = world.remote_of(item)
    world.psa.edit(item, title="Changed")
    world.service.delay_seen_of_moves = True
    world.service.io.once(1, "update.before", lambda: world.phone.move_address(remote))
    world.run()
    assert world.psa.titles() == world.event_titles() == ["Changed"]
    assert len(world.tables.links) == 1


def test_what_a_listing_does_not_cover_is_not_even_asked_about() -> None:
    world = started(Switches(horizon_days=30))
    world.psa.add(event("Far away", "2027-06-01 09:00"))
    world.psa.add(event("Near", "2027-01-10 09:00"))
    world.run()
    fetched = world.service.io.passed.count("fetch.before")
    world.run(Task(compare=True))
    assert world.service.io.passed.count("fetch.before") == fetched
    assert len(world.psa.living()) == 2


# --- D8: the guards ----------------------------------------------------------------------------------------------


def test_many_deletions_in_the_psa_wait_for_one_confirmation() -> None:
    world = started()
    items = many(world, 30)
    for item in items[:15]:
        world.psa.delete(item)
    world.psa.edit(items[20], title="Edited")
    outcome = world.run()
    assert outcome.waiting
    assert "Edited" in world.event_titles()
    assert len(world.event_titles()) == 20
    world.settle(2)
    assert len(world.event_titles()) == 20
    world.confirm()
    world.settle(2)
    assert len(world.event_titles()) == 15


def test_deletions_of_one_day_are_counted_together() -> None:
    world = started()
    items = many(world, 20)
    for item in items[:7]:
        world.phone.delete(world.remote_of(item))
    world.run()
    assert len(world.psa.living()) == 13
    for item in items[7:14]:
        world.phone.delete(world.remote_of(item))
    world.run()
    assert len(world.psa.living()) == 13
    world.service.advance(timedelta(hours=25))
    world.run()
    assert len(world.psa.living()) == 13
    world.confirm()
    world.run()
    assert len(world.psa.living()) == 6


def test_a_calendar_that_lists_empty_waits_even_for_two_deletions() -> None:
    world = started()
    items = many(world, 2)
    for item in items:
        world.phone.delete(world.remote_of(item))
    world.service.expire_cursors()
    assert world.run().waiting
    assert len(world.psa.living()) == 2
    world.confirm()
    world.run()
    assert world.psa.living() == []


def test_an_event_that_comes_back_is_no_longer_waiting_to_be_deleted() -> None:
    world = started()
    items = many(world, 12)
    remotes = [world.remote_of(item) for item in items]
    for remote in remotes:
        world.phone.delete(remote)
    assert world.run().waiting
    for remote in remotes:
        world.phone.restore(remote)
    assert not world.run().waiting
    assert all(world.link_of(item).gone_at is None for item in items)
    world.confirm()
    world.settle(2)
    assert len(world.psa.living()) == len(world.phone.events()) == 12
    assert all(world.link_of(item).state is LinkState.SYNCED for item in items)


# --- D9: adoption ------------------------------------------------------------------------------------------------


def test_an_item_made_later_adopts_the_event_that_is_the_same() -> None:
    world = World()
    remote = world.phone.create(event("Board", "2027-02-01 09:00"))
    world.run()
    item = world.psa.add(event("board ", "2027-02-01 09:00", location="Room 1"))
    world.settle(2)
    assert len(world.phone.events()) == 1
    link = world.link_of(item)
    assert (link.remote_id, link.made_by) == (remote, MadeBy.ADOPTED)
    assert world.phone.events()[remote].content.get(PLACE) == "Room 1"


@pytest.mark.parametrize("item_first", [True, False])
def test_two_events_that_fit_one_item_are_listed_and_nothing_is_made(item_first: bool) -> None:
    world = World()
    for _ in range(2):
        world.phone.create(event("Board", "2027-02-01 09:00"))
    if not item_first:
        world.run()
    world.psa.add(event("Board", "2027-02-01 09:00"))
    world.settle(3)
    assert [row.state for row in world.tables.known.values()] == [KnownState.AMBIGUOUS] * 2
    assert len(world.phone.events()) == 2
    assert len(world.psa.living()) == 1
    assert world.writes() == 0


def test_two_items_that_fit_one_event_are_not_paired() -> None:
    world = World()
    items = [world.psa.add(event("Board", "2027-02-01 09:00")) for _ in range(2)]
    world.phone.create(event("Board", "2027-02-01 09:00"))
    world.settle(2)
    assert [row.state for row in world.tables.known.values()] == [KnownState.AMBIGUOUS]
    assert len(world.psa.living()) == 2
    assert not any(link.live for link in world.tables.links.values())
    assert world.writes() == 0
    assert items


def test_the_first_run_copies_nothing_in_either_direction() -> None:
    world = World()
    world.phone.create(event("Dentist", "2027-02-01 09:00"))
    world.psa.add(event("Visit", "2027-02-02 09:00"))
    world.settle()
    assert (world.psa.titles(), world.event_titles()) == (["Visit"], ["Dentist"])


def test_bodies_are_fetched_by_a_first_run_only_if_there_is_something_to_match() -> None:
    for items, fetches in ((0, 0), (1, 1)):
        world = World(Switches(events_inline=False))
        world.phone.create(event("Dentist", "2027-02-01 09:00"))
        for _ in range(items):
            world.psa.add(event("Visit", "2027-02-02 09:00"))
        world.run()
        assert world.service.io.passed.count("fetch.before") == fetches


def test_a_create_first_adopts_what_a_listing_already_showed() -> None:
    world = World(options=Options(retrieve=Retrieve(create=False)))
    world.run()
    remote = world.phone.create(event("Board", "2027-02-01 09:00"))
    world.run()
    assert world.tables.known[("A", remote)].indexed
    item = world.psa.add(event("Board", "2027-02-01 09:00"))
    world.settle(2)
    assert list(world.phone.events()) == [remote]
    assert world.link_of(item).remote_id == remote


def test_a_withdrawn_copy_from_the_bin_is_known_by_its_uid_whatever_it_says() -> None:
    world = started()
    item = sent(world)
    remote = world.remote_of(item)
    world.psa.edit(item, status="cancelled")
    world.run()
    world.phone.edit(world.phone.restore(remote, new_id=True), {TITLE: "Restored"})
    world.settle(2)
    assert [each.id for each in world.psa.living()] == [item]


# --- D10, C4: several integrations -------------------------------------------------------------------------------


def test_what_one_integration_retrieved_is_not_sent_to_another_unless_told() -> None:
    for forward, titles in ((False, []), (True, ["Dentist"])):
        world = World()
        world.link_calendar("B", SECOND, Options(send=Send(forward=forward)))
        for name in ("A", "B"):
            world.run(name=name)
        world.phone.create(event("Dentist", "2027-02-01 09:00"))
        for name in ("A", "B", "A", "B"):
            world.run(name=name)
        there = world.service.phone_at(SECOND).events().values()
        assert [each.content.title for each in there] == titles


def test_an_event_marked_by_another_living_integration_is_left_to_it() -> None:
    world = started()
    world.tables.integrations["Z"] = Integration("Z", "t1", "bob", SECOND)
    world.tables.keys["cb-Z-1"] = ("Z", "z1")
    remote = world.phone.create(event("Visit", "2027-02-01 09:00"), marker="cb-Z-1")
    world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.run()
    assert world.tables.known[("A", remote)].state is KnownState.MANAGED_ELSEWHERE
    assert len(world.psa.living()) == 1
    assert world.phone.events()[remote].content.same(event("Visit", "2027-02-01 09:00"))


# --- D11, D12 ----------------------------------------------------------------------------------------------------


def test_a_deletion_that_a_delta_left_out_is_found_by_comparing() -> None:
    world = started()
    item, _ = many(world, 2)
    world.run()
    world.phone.delete(world.remote_of(item))
    world.service.lie_once()
    world.run()
    assert not world.psa[item].deleted
    world.run(Task(compare=True))
    assert world.psa[item].deleted


@pytest.mark.parametrize("error", [PermissionMissing(), Throttled(), CalendarGone(), Unavailable()])
def test_a_failure_of_the_account_ends_the_run_and_is_made_up_for(error: Exception) -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.service.io.fail("create.before", error)
    assert world.try_run() is error
    world.settle(2)
    assert world.event_titles() == ["Visit"]
    assert world.link_of(item).state is LinkState.SYNCED


# --- A2, A9, B4 --------------------------------------------------------------------------------------------------


def test_an_occurrence_that_held_the_masters_value_follows_the_master() -> None:
    world = started()
    visit = ("2027-02-03T09:00:00", Field.TITLE)
    same_again = event("Round", "2027-02-01 09:00", rule="FREQ=DAILY;COUNT=9").units | {visit: "Round"}
    remote = world.phone.create(event("x", "2027-02-01 09:00").with_units(same_again))
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, title="Tour")
    world.settle(2)
    assert world.phone.events()[remote].content.of(*reversed(visit)) == "Tour"


def test_hidden_text_is_in_no_memory_and_no_log() -> None:
    world = started()
    remote = world.phone.create(event("Surprise", "2027-02-01 09:00", visibility="private", description=text("Cake")))
    world.run()
    assert [link.native for link in world.tables.links.values()] == [None]
    own = sent(world, "Chemotherapy", "2027-02-02 09:00", visibility="private")
    world.psa.edit(own, location="Ward 9")
    world.phone.edit(remote, {PLACE: "Garden"})
    world.settle(2)
    kept = repr([*world.tables.links.values(), *world.tables.known.values(), *world.tables.log])
    for word in ("Surprise", "Cake", "Garden", "Chemotherapy", "Ward 9"):
        assert word not in kept, word
    told = repr([item for item in world.tables.items.values() if item.id != own])
    assert "Surprise" not in told
    assert "Garden" not in told


def test_what_was_deleted_does_not_come_back_by_an_edit_in_the_psa() -> None:
    world = started()
    item = world.psa.add(event("Repair", "2027-02-01 09:00"), ItemType.SERVICE_CALL)
    world.run()
    world.phone.delete(world.remote_of(item))
    world.settle(2)
    world.psa.edit(item, title="Repair again")
    world.settle(2)
    world.run(Task(send=Window()))
    assert world.event_titles() == []
    assert world.tables.told == [item]


# --- F2, F4: range runs ------------------------------------------------------------------------------------------


def test_a_range_run_copies_what_lies_in_its_days_and_nothing_else() -> None:
    world = World(options=Options(retrieve=Retrieve(create=False)))
    for day in ("01", "10", "20"):
        world.phone.create(event(f"There {day}", f"2027-02-{day} 09:00"))
        world.psa.add(event(f"Here {day}", f"2027-02-{day} 11:00"))
    world.run()
    days = Window(date(2027, 2, 5), date(2027, 2, 15))
    cursor = world.tables.integrations["A"].cursor
    assert cursor is not None
    world.run(Task(retrieve=days, send=days))
    assert world.psa.titles() == ["Here 01", "Here 10", "Here 20", "There 10"]
    assert world.event_titles() == ["Here 10", "There 01", "There 10", "There 20"]


def test_a_run_says_whether_anything_was_written_either_way() -> None:
    world = started()
    assert not world.run().wrote
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    assert world.run().wrote
    assert not world.run().wrote
    world.phone.edit(world.remote_of(item), {TITLE: "Edited"})
    assert world.run().wrote


def test_the_linked_side_wins_where_the_option_says_so() -> None:
    world = started(options=Options(conflict=Winner.LINKED))
    item = sent(world)
    world.phone.edit(world.remote_of(item), {TITLE: "There"})
    world.psa.edit(item, title="Here", location="Room 1")
    world.settle(2)
    found = world.event_of(item)
    assert found is not None
    assert world.psa.titles() == world.event_titles() == ["There"]
    assert found.get(PLACE) == "Room 1"


def test_a_recorded_deletion_of_the_former_event_never_meets_the_new_one() -> None:
    world = started()
    item = sent(world, location="Room 1")
    link = world.link_of(item)
    old: Link = replace(link, gone_at=world.clock.now(), withheld=frozenset({PLACE}), owed=frozenset({PLACE}))
    world.tables.links[("A", link.id)] = old
    world.phone.delete(world.remote_of(item))
    world.psa.edit(item, title="Changed")
    world.settle(2)
    fresh = world.link_of(item)
    assert (fresh.gone_at, fresh.withheld, fresh.owed, fresh.state) == (
        None,
        frozenset(),
        frozenset(),
        LinkState.SYNCED,
    )
    assert world.event_titles() == ["Changed"]
