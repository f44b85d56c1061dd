"""`make demo`: a whole sync between My Calendar and a real CalDAV server, on this machine and in a minute.

Everything happens in a temporary folder and on the loopback address; nothing is left behind.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from calbridge.app import build  # noqa: E402
from calbridge.cli.plain import plain_table  # noqa: E402
from calbridge.service.integrations import list_calendars, list_integrations  # noqa: E402
from calbridge.service.items import list_items  # noqa: E402
from calbridge.service.parts import Parts  # noqa: E402
from calbridge.settings import load_settings  # noqa: E402
from tests.servers.calendar_server import CalendarServer  # noqa: E402
from tests.servers.radicale import radicale  # noqa: E402
from tools.demo_calendar import KEPT, ZONE, Entry, entries, fill, single  # noqa: E402

CALBRIDGE = Path(sys.executable).parent / "calbridge"
TENANT = "demo"
PASSWORD = "correct horse battery staple"
WEEKS = 5
INTERRUPTED = 130


class DemoFailed(Exception):
    """A verb of the demo ended with an error."""


@dataclass(frozen=True)
class Stage:
    """What the story is played on."""

    server: CalendarServer
    calendar: str
    environment: Mapping[str, str]
    monday: date

    @property
    def span(self) -> tuple[date, date]:
        """The days that are shown."""
        return self.monday - timedelta(days=1), self.monday + timedelta(weeks=WEEKS)

    def run(self, *words: str) -> None:
        """Show a command line, run it, and let it print."""
        say(f"\n$ calbridge {shlex.join(words)}", bold=True)
        done = subprocess.run([str(CALBRIDGE), *words], env=dict(self.environment), check=False)
        if done.returncode:
            raise DemoFailed(f"calbridge {shlex.join(words)} ended with exit code {done.returncode}")

    @contextmanager
    def installation(self) -> Iterator[Parts]:
        """The same installation from inside, to look up what a person would read and copy."""
        with build(load_settings(self.environment)) as parts:
            yield parts


def main() -> int:
    """Play the demo; 0 if both sides agree at the end."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _stage() as stage:
            return _play(stage)
    except KeyboardInterrupt:
        say("\nStopped; everything the demo started and made is gone.")
        return INTERRUPTED
    except DemoFailed as error:
        say(f"\nThe demo did not get to its end: {error}.")
        return 1


@contextmanager
def _stage() -> Iterator[Stage]:
    """A calendar server with Alice's events, and an empty calbridge beside it; both vanish at the end."""
    title("A calendar server")
    today = date.today()
    monday = today + timedelta(days=7 - today.weekday())
    with (
        tempfile.TemporaryDirectory(prefix="calbridge-demo-") as folder,
        radicale(Path(folder) / "radicale", users={"alice": PASSWORD}) as server,
    ):
        say(f"Radicale, a CalDAV server, runs at {server.url} and plays the cloud behind Alice's phone.")
        calendar = server.make_calendar("phone", displayname="Alice's phone")
        say("In the calendar of Alice's phone:")
        for told in fill(server, calendar, monday):
            say(f"  - {told}")
        yield Stage(server, calendar, _environment(Path(folder)), monday)


def _environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CALBRIDGE_", "PYTHON"))}
    ours = {"DATA_DIR": str(folder / "calbridge"), "PRIVATE_NETWORKS": "127.0.0.1/32", "PASSWORD": PASSWORD}
    # So many starts of a program would each compile it again where it can't write beside its files.
    compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    return clean | compiled | {f"CALBRIDGE_{name}": value for name, value in ours.items()}


def _play(stage: Stage) -> int:
    integration = _link(stage)
    _retrieve(stage, integration)
    _change_both(stage)
    title("Sync again")
    stage.run("integrations", "sync", integration)
    alike = _compare(stage)
    title("What was carried over, with the fields that differ")
    stage.run("integrations", "logs", integration)
    kept = _look_at_phone_lines(stage)
    title("Result")
    say("Both calendars hold the same." if alike else "The calendars DIFFER: look at the lines marked with !")
    say("Everything is stopped and removed. To link a calendar of your own, go on in README.md.")
    return 0 if alike and kept else 1


def _link(stage: Stage) -> str:
    """Set calbridge up and link Alice's calendar; gives the id of the integration."""
    title("An empty calbridge")
    stage.run("db", "upgrade")
    stage.run("tenants", "create", TENANT, "--name", "Demo IT Services")
    stage.run("users", "put", "alice", "--name", "Alice", "--time-zone", "Europe/Vienna")
    title("Link the calendar")
    say("Servers in private networks are refused unless somebody grants them, so this machine is granted first.")
    stage.run("hosts", "grant", f"127.0.0.1:{stage.server.port}")
    say("\nThe password comes from CALBRIDGE_PASSWORD here; without it you are asked.")
    account = ("--url", stage.server.url, "--username", "alice")
    stage.run("integrations", "add", "--user", "alice", "--service", "caldav", *account)
    with stage.installation() as parts:
        integration = list_integrations(parts, TENANT)[0].id
        chosen = list_calendars(parts, TENANT, integration)[0].id
    stage.run("integrations", "calendars", integration)
    stage.run("integrations", "set", integration, "--calendar", chosen, "--active")
    return integration


def _retrieve(stage: Stage, integration: str) -> None:
    title("Copy what is there, in a range of days")
    stage.run("integrations", "sync", integration, "--retrieve-past", "30", "--retrieve-future", "365")
    first, last = (day.isoformat() for day in stage.span)
    stage.run("items", "list", "--user", "alice", "--from", first, "--to", last)


def _change_both(stage: Stage) -> None:
    title("Changes on both sides")
    friday = stage.monday + timedelta(days=4)
    say("In My Calendar: a service call of the PSA, and the third team meeting moves from 10:00 to 13:00.")
    times = ("--start", f"{friday} 09:00", "--end", f"{friday} 10:30")
    call = ("--type", "service_call", "--title", "Replace the router", "--location", "Main Street 5")
    stage.run("items", "put", "ext:SC-1042", "--user", "alice", *call, *times)
    with stage.installation() as parts:
        found = list_items(parts, TENANT, "alice")
    meeting = next(str(item["id"]) for item in found if item["title"] == "Team meeting")
    third = stage.monday + timedelta(weeks=2)
    moved = ("--occurrence", f"{third} 10:00", "--start", f"{third} 13:00", "--end", f"{third} 14:00")
    stage.run("items", "put", meeting, "--user", "alice", *moved)
    say("\nOn the phone: a new event, the holiday gets another title, and the dentist is deleted.")
    lunch = single("lunch", "Lunch with Bob", stage.monday + timedelta(days=8), 12)
    stage.server.put(stage.calendar, "lunch.ics", lunch)
    holiday = stage.server.get(f"{stage.calendar}holiday.ics")
    stage.server.put(stage.calendar, "holiday.ics", holiday.replace(b"SUMMARY:Holiday", b"SUMMARY:Holiday in Graz"))
    stage.server.delete(f"{stage.calendar}dentist.ics")
    _compare(stage)


def _compare(stage: Stage) -> bool:
    """Show both calendars side by side; whether they are alike."""
    first, last = stage.span
    start, end = (datetime(day.year, day.month, day.day, tzinfo=ZONE) for day in (first, last))
    with stage.installation() as parts:
        here = sorted(map(_entry, list_items(parts, TENANT, "alice", start=start, end=end, expand=True)))
    there = entries(stage.server, stage.calendar, first, last)
    rows = []
    for entry in sorted({*here, *there}):
        sides = [entry.title if entry in side else "-" for side in (here, there)]
        rows.append(["=" if sides[0] == sides[1] else "!", _when(entry), *sides])
    say("\nSide by side (! marks a difference):")
    say(plain_table(["", "When", "My Calendar", "Alice's phone"], rows))
    return here == there


def _entry(item: Mapping[str, object]) -> Entry:
    start, end = _point(item["start"]), _point(item["end"])
    return Entry.of(start, end, str(item["title"]))


def _point(point: object) -> date | datetime:
    assert isinstance(point, dict)
    if "date" in point:
        return date.fromisoformat(point["date"])
    return datetime.fromisoformat(point["date_time"]).replace(tzinfo=ZoneInfo(point["time_zone"]))


def _when(entry: Entry) -> str:
    weekday = f"{date.fromisoformat(entry.start[:10]):%a}"
    if len(entry.start) == len("2027-01-05"):
        return f"{weekday} {entry.start} to {entry.end}"
    return f"{weekday} {entry.start} - {entry.end[-5:]}"


def _look_at_phone_lines(stage: Stage) -> bool:
    """Whether what calbridge does not know survived its change to the series."""
    title("What calbridge does not know stays as it was")
    stored = stage.server.get(f"{stage.calendar}team-meeting.ics").decode()
    kept = [line for line in KEPT if line in stored]
    say(f"Still in the series that was changed from My Calendar: {', '.join(kept)}")
    lost = [line for line in KEPT if line not in stored]
    if lost:
        say(f"LOST: {', '.join(lost)}")
    return not lost


def title(text: str) -> None:
    """A heading of the story."""
    say(f"\n== {text} ==", bold=True)


def say(text: str, *, bold: bool = False) -> None:
    """Print at once, so that what the verbs print comes after it."""
    strong = bold and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"\033[1m{text}\033[0m" if strong else text, flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
