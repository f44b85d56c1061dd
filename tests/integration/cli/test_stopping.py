"""Stopping a sync from the terminal, against a server that has its request in hands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.caldav import CalDavDouble, caldav_double
from tests.integration.cli.conftest import Calbridge
from tests.servers.waiting import eventually

COMMAND = str(Path(sys.executable).parent / "calbridge")
EVENTS = 250
ALL = ("--retrieve-past", "36500", "--retrieve-future", "36500")


@dataclass
class Stopping:
    """A linked calendar that is full, and a sync in a process of its own."""

    calbridge: Calbridge
    double: CalDavDouble
    integration: str
    errors: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def sync(self, *signals: Callable[[], object]) -> tuple[int, str]:
        """Copy the calendar; what happens while the server has its first bodies in hands. Exit code and output."""
        self.double.before("calendar-multiget", lambda: [each() for each in signals])
        environ = {name: value for name, value in self.calbridge.environment.items() if value is not None}
        words = [COMMAND, "integrations", "sync", self.integration, *ALL]
        with self.errors.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                words, env=os.environ | environ, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            self.processes.append(process)
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def send(self, number: signal.Signals) -> Callable[[], None]:
        """A signal to the sync that runs, heard before anything else happens."""

        def act() -> None:
            heard = self.errors.read_text(encoding="utf-8")
            eventually(lambda: bool(self.processes))
            self.processes[-1].send_signal(number)
            if not heard:
                eventually(lambda: "Stopping at the next page" in self.errors.read_text(encoding="utf-8"))

        return act

    def runs(self) -> list[dict[str, Any]]:
        """Those that copy the calendar, not the one that linked it."""
        found = self.calbridge.json("integrations", "runs", self.integration)["data"]
        return [run for run in found if run["kind"] == "range"]


@pytest.fixture
def stopping(calbridge: Calbridge, tmp_path: Path) -> Iterator[Stopping]:
    with caldav_double() as double:
        for number in range(EVENTS):
            body = EVENT.format(number=number).replace("\n", "\r\n")
            double.put_event("work", f"{number}.ics", body)
        calbridge.text("hosts", "grant", double.url.split("/")[2])
        account = ("--url", double.url, "--username", double.user, "--password-stdin")
        made = calbridge.json(
            "integrations", "add", "--user", "alice", "--service", "caldav", *account, stdin=double.password
        )
        calendars = calbridge.json("integrations", "calendars", made["id"])["data"]
        work = next(each["id"] for each in calendars if each["id"].rstrip("/").endswith("work"))
        calbridge.text("integrations", "set", made["id"], "--calendar", work, "--active")
        yield Stopping(calbridge, double, made["id"], tmp_path / "errors")


EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Test//EN
BEGIN:VEVENT
UID:event-{number}
DTSTAMP:20270101T000000Z
DTSTART:20270105T100000Z
DTEND:20270105T110000Z
SUMMARY:Visit {number}
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sync_that_is_stopped_ends_its_page_and_the_next_one_goes_on(
    stopping: Stopping, number: signal.Signals
) -> None:
    exit_code, output = stopping.sync(stopping.send(number))

    assert exit_code == 130, output
    assert "partial" in output
    assert f"To go on: calbridge integrations sync {stopping.integration}" in stopping.errors.read_text(
        encoding="utf-8"
    )
    assert {run["status"] for run in stopping.runs()} <= {"partial", "queued"}

    assert stopping.calbridge.json("integrations", "sync", stopping.integration)["status"] == "succeeded"
    assert len(stopping.calbridge.json("items", "list", "--user", "alice")["data"]) == EVENTS


def test_a_sync_that_is_stopped_twice_ends_at_once_and_its_run_says_so(stopping: Stopping) -> None:
    twice = stopping.send(signal.SIGINT), stopping.send(signal.SIGINT)

    exit_code, output = stopping.sync(*twice)

    assert (exit_code, output) == (130, "")
    assert "Stopped." in stopping.errors.read_text(encoding="utf-8")
    ended = [(run["status"], run["reason"]) for run in stopping.runs() if run["status"] != "queued"]
    assert ended == [("partial", "interrupted")]

    assert stopping.calbridge.json("integrations", "sync", stopping.integration)["status"] == "succeeded"
    assert len(stopping.calbridge.json("items", "list", "--user", "alice")["data"]) == EVENTS
    assert json.dumps(stopping.runs()).count("lease_lost") == 0
