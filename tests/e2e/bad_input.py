"""What the tests of bad input share: an installation linked with the hostile double, and a look at what it holds."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import event as events

from calbridge.service import integrations, items, links, sync
from calbridge.service.parts import Parts
from calbridge.service.views import RunView
from tests.doubles.caldav import CalDavDouble
from tests.e2e.runner import TENANT
from tests.e2e.sides import USER

ROOT = Path(__file__).resolve().parent.parent.parent
BOTH = ["Lunch", "Visit"]


@dataclass
class Installation:
    """One event and one item, known to both sides."""

    parts: Parts
    double: CalDavDouble
    integration: str
    environment: Mapping[str, str]

    def sync(self, **task: Any) -> RunView:
        """A run in this process."""
        return sync.sync_integration(self.parts, TENANT, self.integration, **task)

    def reason(self) -> str | None:
        """What a person reads about the integration."""
        return integrations.get_integration(self.parts, TENANT, self.integration).reason

    def kept(self) -> tuple[list[Any], list[Any], dict[str, bytes]]:
        """Items, links and events as they are."""
        found = items.list_items(self.parts, TENANT, USER)
        return found, links.list_links(self.parts, TENANT, self.integration), self.double.events("work")

    def titles(self) -> list[str]:
        """Of all items."""
        return sorted(item["title"] for item in items.list_items(self.parts, TENANT, USER))

    def event_titles(self) -> list[str]:
        """Of all events, by the lines of the files."""
        lines = [line for body in self.double.events("work").values() for line in body.decode().split("\r\n")]
        return sorted(line.removeprefix("SUMMARY:") for line in lines if line.startswith("SUMMARY:"))

    def put_item(self, name: str, title: str, **more: object) -> None:
        """An item of an hour."""
        times = {
            end: {"date_time": f"2035-02-01T{hour}:00:00", "time_zone": "Europe/Vienna"}
            for end, hour in (("start", 10), ("end", 11))
        }
        items.put_item(self.parts, TENANT, USER, f"ext:{name}", {"title": title, **times, **more})

    def put_event(self, uid: str, title: str, *lines: str) -> None:
        """An event of an hour, made by the phone."""
        self.double.put_event("work", f"{uid}.ics", event(uid, title, *lines))

    def calbridge(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The command as a person runs it."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "calbridge"), *words],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def event(uid: str, title: str, *lines: str) -> str:
    """The file of an event of an hour."""
    own = [f"UID:{uid}", "DTSTAMP:20270101T000000Z", "DTSTART:20350105T100000Z", "DTEND:20350105T110000Z"]
    told = ["BEGIN:VEVENT", *own, f"SUMMARY:{title}", *lines, "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//phone//EN", *told, "END:VCALENDAR", ""])


def prepare(engine: Engine, pragma: str) -> None:
    """Set every connection of a process up so."""

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    events.listen(engine, "connect", connected)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the write lock of a SQLite file."""
    code = (
        "import sqlite3, sys\n"
        "sqlite3.connect(sys.argv[1], isolation_level=None).execute('BEGIN IMMEDIATE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.kill()
