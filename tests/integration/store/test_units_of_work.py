"""Units of work: all or nothing, several processes at once, and the order of changes (SYNC E2)."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from calbridge.domain.item import Item
from calbridge.errors import ItemChanged, Refused
from calbridge.store.changes import Source
from calbridge.store.database import Database
from calbridge.store.items import ItemFilter
from calbridge.store.work import Work
from calbridge.sync.memory import Known, Link

from .helpers import INTEGRATION, KEY, TENANT, USER, Clock, an_item, event, fill, run_store

ROOT = Path(__file__).resolve().parents[3]
API = Source("api", key="k1")
COUNT = """
import sys
from calbridge.store.database import Database
from calbridge.store.secrets import SecretBox
database = Database(sys.argv[1], SecretBox([sys.argv[2]]), busy_seconds=60)
for _ in range(200):
    with database.write("acme") as work:
        before = work.settings.get(lock=True).settings.get("counter", 0)
        work.settings.save(settings={"counter": before + 1})
"""


def test_four_processes_that_count_to_800_together_arrive_there(database: Database, database_url: str) -> None:
    fill(database)
    processes = [subprocess.Popen([sys.executable, "-c", COUNT, database_url, KEY], cwd=ROOT) for _ in range(4)]
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    with database.read(TENANT) as work:
        assert work.settings.get().settings == {"counter": 800}


def test_a_reader_sees_one_state_throughout(database: Database, open_database: Callable[..., Database]) -> None:
    fill(database)
    with open_database().read(TENANT) as reader:
        assert reader.items.get(USER, "a") is None
        with database.write(TENANT) as work:
            work.items.add(an_item("a"), API)
        assert reader.items.get(USER, "a") is None
    with database.read(TENANT) as reader:
        assert reader.items.get(USER, "a") is not None


def test_a_unit_of_work_that_fails_leaves_nothing_and_takes_no_number(database: Database) -> None:
    fill(database)

    def failing() -> None:
        with database.write(TENANT) as work:
            work.items.add(an_item("a"), API)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    with database.write(TENANT) as work:
        work.items.add(an_item("b"), API)
    with database.read(TENANT) as work:
        assert [change.item_id for change in work.changes_after(0, 10)] == ["b"]
        assert work.changes_after(0, 10)[0].seq == 1


def test_a_part_that_fails_leaves_nothing_of_itself_and_all_of_the_rest(database: Database) -> None:
    fill(database)

    def failing(work: Work) -> None:
        with work.alone():
            work.items.add(an_item("b"), API)
            raise ZeroDivisionError

    with database.write(TENANT) as work:
        work.items.add(an_item("a"), API)
        with pytest.raises(ZeroDivisionError):
            failing(work)
        with work.alone():
            work.items.add(an_item("c"), API)
    with database.read(TENANT) as reader:
        assert reader.items.many(USER, ["a", "b", "c"]).keys() == {"a", "c"}
        assert [(change.item_id, change.seq) for change in reader.changes_after(0, 10)] == [("a", 1), ("c", 2)]


def test_the_feed_tells_each_change_with_its_source_and_fields(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        item = work.items.add(an_item("a"), API)
        work.items.add(an_item("b"), API)
    with database.write(TENANT) as work:
        work.items.put(replace(item, content=event("New", 12), record_id="r"), Source("page"), expected_version=1)
        work.items.delete(USER, "b", API)
    with run_store(database).page() as page:
        found = page.item("a")
        assert found is not None
        page.mark_not_own(found)
    with database.read(TENANT) as work:
        feed = work.changes_after(0, 10)
        told = [(change.seq, change.op, change.item_id, change.version, change.changed_fields) for change in feed]
        assert told == [
            (1, "create", "a", 1, ("time", "title")),
            (2, "create", "b", 1, ("time", "title")),
            (3, "update", "a", 2, ("record_id", "time", "title")),
            (4, "delete", "b", 2, ()),
            (5, "kept", "a", 2, ()),
        ]
        assert [change.source["door"] for change in feed] == ["api", "api", "page", "api", "sync"]
        assert feed[4].source == {"door": "sync", "integration": INTEGRATION, "run": "r1"}
        assert feed[0].at == clock.now()
        stored = work.items.many(USER, ["a", "b"])
        assert (stored["a"].seq, stored["b"].seq) == (3, 4)
        assert work.changes_after(3, 1)[0].seq == 4


def test_a_change_without_meaning_is_no_change(database: Database, clock: Clock) -> None:
    fill(database)
    with database.write(TENANT) as work:
        item = work.items.add(an_item("a"), API)
    clock.forward(hours=1)
    with database.write(TENANT) as work:
        assert work.items.put(replace(item, content=event("  Visit ")), API).version == 1
    with database.read(TENANT) as work:
        stored = work.items.get(USER, "a")
        assert stored is not None
        assert (stored.version, stored.seq, stored.updated_at) == (1, 1, item.updated_at)
        assert len(work.changes_after(0, 10)) == 1


def test_an_item_is_put_and_deleted_only_on_the_expected_version(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        item = work.items.add(an_item("a"), API)
    with database.write(TENANT) as work:
        with pytest.raises(ItemChanged):
            work.items.put(replace(item, content=event("New")), API, expected_version=7)
        with pytest.raises(ItemChanged):
            work.items.delete(USER, "a", API, expected_version=7)
        with pytest.raises(Refused) as refused:
            work.items.put(an_item("none"), API)
        assert refused.value.code == "item_not_found"
        with pytest.raises(Refused):
            work.items.put(replace(item, user_id="bob"), API)


def test_a_state_that_was_read_too_long_ago_replaces_nothing(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        item = work.items.add(an_item("a"), API)
        work.items.put(replace(item, content=event("First")), API)
        with pytest.raises(ItemChanged):
            work.items.replace(item, replace(item, content=event("Second")), API)


def test_external_ids_are_unique_per_user_and_tell_upper_from_lower_case(database: Database) -> None:
    fill(database)
    fill(database, user="bob", integrations=("i9",))
    with database.write(TENANT) as work:
        work.items.add(an_item("a", external_id="X-1"), API)
        work.items.add(an_item("b", external_id="x-1"), API)
        work.items.add(an_item("c", external_id="X-1", user="bob"), API)
        found = work.items.by_external_id(USER, "X-1")
        assert found is not None
        assert found.id == "a"
    with pytest.raises(Refused) as refused, database.write(TENANT) as work:
        work.items.add(an_item("d", external_id="X-1"), API)
    assert refused.value.code == "already_exists"


def test_items_are_listed_by_type_and_by_what_may_lie_in_a_window(database: Database) -> None:
    fill(database)
    moment = event("x").span
    assert moment is not None
    with database.write(TENANT) as work:
        for number in range(5):
            work.items.add(an_item(f"i{number}"), API)
        work.items.delete(USER, "i4", API)
    start, end = moment.start.instant(), moment.end.instant()
    with database.read(TENANT) as work:
        first = work.items.list(USER, ItemFilter(), None, 2)
        rest = work.items.list(USER, ItemFilter(), first[-1].id, 10)
        assert [item.id for item in [*first, *rest]] == ["i0", "i1", "i2", "i3"]
        assert len(work.items.list(USER, ItemFilter(deleted=True), None, 10)) == 5
        assert len(work.items.list(USER, ItemFilter(start=start, end=end), None, 10)) == 4
        assert work.items.list(USER, ItemFilter(end=start), None, 10) == []
        assert work.items.list(USER, ItemFilter(start=end.replace(year=2028)), None, 10) == []
        assert work.items.list(USER, ItemFilter(types=frozenset()), None, 10) == []


def test_what_changes_in_my_calendar_makes_the_other_integrations_due(database: Database) -> None:
    fill(database, integrations=("i1", "i2"))
    with run_store(database, "i1").page() as page:
        page.add_item(an_item("a"))
    with database.read(TENANT) as work:
        assert [each.due_no for each in work.integrations.list()] == [0, 1]
    with database.write(TENANT) as work:
        work.items.add(an_item("b"), API)
    with database.read(TENANT) as work:
        assert [each.due_no for each in work.integrations.list()] == [1, 2]


def test_whoever_reads_after_a_cursor_misses_nothing_that_is_stored_later(
    database: Database, open_database: Callable[..., Database]
) -> None:
    """One transaction is held open while another commits; on SQLite the other has to wait for its turn."""
    fill(database)
    slow, wrote, go_on = open_database(), threading.Event(), threading.Event()

    def hold_open() -> None:
        with slow.write(TENANT) as work:
            work.items.add(an_item("slow"), API)
            wrote.set()
            assert go_on.wait(30)

    holder = threading.Thread(target=hold_open)
    holder.start()
    assert wrote.wait(30)
    if database.sqlite:
        go_on.set()
    with database.write(TENANT) as work:
        work.items.add(an_item("quick"), API)
    with database.read(TENANT) as work:
        seen = work.changes_after(0, 10)
    cursor = seen[-1].seq
    go_on.set()
    holder.join(30)
    with database.read(TENANT) as work:
        later = work.changes_after(cursor, 10)
        assert {change.item_id for change in [*seen, *later]} == {"slow", "quick"}
        if not database.sqlite:
            assert [(change.item_id, change.seq) for change in [*seen, *later]] == [("quick", 1), ("slow", 2)]
        by_seq = work.items.after(USER, 0, 10)
        assert [item.seq for item in by_seq] == [1, 2]


def test_a_page_that_is_over_keeps_no_rows_for_the_garbage_collector(database: Database) -> None:
    fill(database)
    store = run_store(database)
    gc.collect()
    before = {id(each) for each in gc.get_objects() if isinstance(each, (Item, Known, Link))}
    gc.disable()
    try:
        with store.page() as page:
            page.add_item(an_item("item"))
            page.put_link(Link("link", "item"))
            page.put_known(Known("remote", uid="uid"))
        with store.page() as page:
            found = (page.links(["link"]), page.items(["item"]), page.known(["remote"]))
            assert [len(each) for each in found] == [1, 1, 1]
            del found
        left = [each for each in gc.get_objects() if isinstance(each, (Item, Known, Link)) and id(each) not in before]
    finally:
        gc.enable()
    assert left == []
