"""How many requests syncing with a real CalDAV server may cost; counted on the wire, by a proxy in between."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers.calendar_server import CalendarServer
from tools.benchmark.calbridge_side import CalbridgeSide, new_side, open_side
from tools.benchmark.proxy import Proxy, Traffic, proxy_to

BATCH = 500
MANY = BATCH + 1
"""One more than what is read with one request."""

_EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example Phone//Calendar 9//EN
BEGIN:VEVENT
UID:{number}@phone.example
DTSTAMP:20270101T080000Z
SUMMARY:{title} {number}
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
END:VEVENT
END:VCALENDAR
"""


def write_events(folder: Path, numbers: range, title: str) -> None:
    """Objects as Radicale keeps them: a thousand PUTs would take longer than all the rest."""
    for number in numbers:
        start = datetime(2027, 1, 4, 8) + timedelta(hours=number)
        text = _EVENT.format(number=number, title=title, start=start, end=start + timedelta(minutes=30))
        (folder / f"{number}.ics").write_text(text.replace("\n", "\r\n"), newline="")


def folder_of(server: CalendarServer, address: str) -> Path:
    """Where Radicale keeps a calendar."""
    return server.folder / "collections" / "collection-root" / urlsplit(address).path.strip("/")


@pytest.fixture(scope="module")
def full_calendar(radicale_process: CalendarServer) -> Iterator[Path]:
    """The folder of a calendar with MANY events, which the server has read; to be copied."""
    radicale_process.start()
    with radicale_process.passing_calendar() as address:
        folder = folder_of(radicale_process, address)
        write_events(folder, range(MANY), "Visit")
        assert len(radicale_process.list(address)) == MANY
        yield folder


@pytest.fixture(scope="module")
def fresh_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an installation without tenants; to be copied."""
    folder = tmp_path_factory.mktemp("fresh")
    with new_side(folder):
        return folder


@dataclass
class Linked:
    """A linked calendar with what goes over the wire."""

    server: CalendarServer
    address: str
    side: CalbridgeSide
    proxy: Proxy

    def cost(self, *, retrieve: bool = False) -> Traffic:
        """What one run sends and receives."""
        self.proxy.take()
        self.side.run(retrieve=retrieve)
        return self.proxy.take()

    def move_on_server(self, count: int) -> None:
        """Give events another title there."""
        write_events(folder_of(self.server, self.address), range(count), "Moved")

    def titled(self, word: str) -> int:
        """How many items have a title that begins so."""
        return sum(title.startswith(word) for title in self.side.titles())

    def titled_there(self, word: str) -> int:
        """How many events on the server have a title that begins so."""
        bodies = [self.server.get(path).decode() for path in self.server.list(self.address)]
        return sum(f"SUMMARY:{word}" in body for body in bodies)


@contextmanager
def linked(server: CalendarServer, full: Path, fresh: Path, folder: Path, count: int) -> Iterator[Linked]:
    """A calendar with ``count`` events, linked in an installation of its own in ``folder``."""
    shutil.copytree(fresh, folder, dirs_exist_ok=True)
    with server.passing_calendar() as address, proxy_to(server.port) as proxy, open_side(folder) as side:
        place = folder_of(server, address)
        shutil.copytree(full, place, dirs_exist_ok=True)
        for number in range(count, MANY):
            (place / f"{number}.ics").unlink()
        side.link(proxy.url, server.user, server.password or "", urlsplit(address).path)
        yield Linked(server, address, side, proxy)


@dataclass(frozen=True)
class Story:
    """What each run cost from the linking on, and how many items there were then."""

    count: int
    baseline: Traffic
    copied_by_baseline: int
    retrieving: Traffic
    retrieved: int
    idle: Traffic
    all_moved: Traffic
    moved: int
    idle_again: Traffic


@pytest.fixture(scope="module", params=[1, BATCH, MANY])
def story(
    request: pytest.FixtureRequest,
    radicale_process: CalendarServer,
    full_calendar: Path,
    fresh_installation: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Link, copy everything, rest, take over a change of every event, rest."""
    count = int(request.param)
    radicale_process.start()
    folder = tmp_path_factory.mktemp("story")
    with linked(radicale_process, full_calendar, fresh_installation, folder, count) as calendar:
        baseline, copied = calendar.cost(), calendar.titled("")
        retrieving, retrieved = calendar.cost(retrieve=True), calendar.titled("Visit")
        idle = calendar.cost()
        calendar.move_on_server(count)
        all_moved, moved = calendar.cost(), calendar.titled("Moved")
        return Story(count, baseline, copied, retrieving, retrieved, idle, all_moved, moved, calendar.cost())


def test_a_baseline_without_anything_to_match_costs_one_to_three_requests(story: Story) -> None:
    assert story.copied_by_baseline == 0
    assert 1 <= story.baseline.requests <= 3


def test_retrieving_everything_costs_three_requests_and_one_for_each_batch(story: Story) -> None:
    assert story.retrieved == story.count
    assert story.retrieving.requests <= 3 + math.ceil(story.count / BATCH)


def test_a_run_without_changes_costs_one_request_and_two_kilobytes_whatever_the_size(story: Story) -> None:
    for idle in (story.idle, story.idle_again):
        assert idle.requests == 1
        assert idle.bytes <= 2_000


def test_remote_changes_cost_one_request_and_one_for_each_batch(story: Story) -> None:
    assert story.moved == story.count
    assert story.all_moved.requests <= 1 + math.ceil(story.count / BATCH)


@pytest.fixture
def settled(
    radicale_server: CalendarServer, full_calendar: Path, fresh_installation: Path, tmp_path: Path
) -> Iterator[Linked]:
    """A calendar whose forty events were retrieved, and whose cursor was followed once."""
    with linked(radicale_server, full_calendar, fresh_installation, tmp_path, 40) as calendar:
        calendar.side.run(retrieve=True)
        calendar.side.run()
        yield calendar


@pytest.mark.parametrize("count", [1, 40])
def test_local_changes_cost_a_write_each_one_request_and_one_for_each_batch(settled: Linked, count: int) -> None:
    settled.side.edit_items(count, "Called")

    traffic = settled.cost()

    assert settled.titled_there("Called") == count
    assert traffic.requests <= count + 1 + math.ceil(count / BATCH)


def test_new_items_cost_no_more_than_changed_ones(settled: Linked) -> None:
    settled.side.add_items(range(10))

    traffic = settled.cost()

    assert settled.titled_there("Service call") == 10
    assert traffic.requests <= 10 + 1 + 1


def test_changes_of_both_sides_share_the_question(settled: Linked) -> None:
    settled.move_on_server(10)
    settled.side.edit_items(10, "Called")

    traffic = settled.cost()

    assert (settled.titled("Moved"), settled.titled_there("Called")) == (10, 10)
    assert traffic.requests <= 1 + 1 + 10 + 1


def test_what_was_written_from_here_is_not_read_again(settled: Linked) -> None:
    settled.side.edit_items(10, "Called")
    settled.side.run()

    assert settled.cost().requests == 1
