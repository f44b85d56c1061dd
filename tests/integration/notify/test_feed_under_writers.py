"""A reader of the feed sees every change while eight writers commit in awkward order (SYNC E2, E3)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

from calbridge.service.changes import list_changes
from calbridge.store.changes import Source
from calbridge.store.work import Work
from tests.integration.service.world import ALICE, TENANT, World
from tests.integration.store.helpers import an_item

WRITERS, ROUNDS = 8, 12


class Turns:
    """Lets a writer keep its transaction open until others have committed after it began."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._commits = 0
        self._waiting = 0

    def hold(self, others: int) -> None:
        """Until ``others`` commits have happened, or everybody waits for somebody."""
        with self._condition:
            wanted = self._commits + others
            self._waiting += 1
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._commits >= wanted or self._waiting >= WRITERS, timeout=0.2)
            self._waiting -= 1

    def committed(self) -> None:
        with self._condition:
            self._commits += 1
            self._condition.notify_all()


def test_nothing_is_missed_and_nothing_comes_twice(both: World) -> None:
    """Writers hold their transactions open, before and after they change what another one changes, too."""
    database, turns, done = both.parts.database, Turns(), threading.Event()
    written: set[str] = set()

    def write(writer: int) -> None:
        chance = Random(writer)
        for number in range(ROUNDS):
            names = [f"w{writer}-{number}-{each}" for each in range(chance.randint(1, 3))]
            with database.write(TENANT) as work:
                for name in names:
                    work.items.add(an_item(name), Source("api", key=f"k{writer}"))
                if not database.sqlite and chance.random() < 0.7:
                    turns.hold(chance.randint(1, 3))
                if number and chance.random() < 0.5:
                    move(work, f"w{writer}-{number - 1}-0", number)
            turns.committed()
            written.update(names)

    def move(work: Work, name: str, number: int) -> None:
        item = work.items.locked(ALICE, name)
        work.items.replace(item, an_item(name, f"Moved {number}"), Source("page"))

    def read() -> list[tuple[int, str, int]]:
        seen: list[tuple[int, str, int]] = []
        cursor = None
        while True:
            last = done.is_set()
            page = list_changes(both.parts, TENANT, cursor=cursor, limit=3)
            seen += [(each.seq, each.item_id, each.version) for each in page.data]
            cursor = page.next_cursor
            if last and not page.data:
                return seen

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(write, each) for each in range(WRITERS)]
        for each in writers:
            each.result(timeout=120)
        done.set()
        seen = reader.result(timeout=120)
    numbers = [seq for seq, _, _ in seen]
    assert numbers == sorted(set(numbers))
    assert {item for _, item, _ in seen} == written
    with database.read(TENANT) as work:
        stored = {(change.seq, change.item_id, change.version) for change in work.changes_after(0, 10_000)}
    assert set(seen) == stored
