"""What the server holds: calendars, objects, and the log of changes behind tokens and ctags."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field

from tests.doubles.caldav import ics
from tests.doubles.caldav.quirks import Quirks

PREFIX = "http://double.example.com/sync/"


class InvalidToken(ValueError):
    """The token is not one of this calendar's living ones."""


@dataclass(frozen=True)
class Stored:
    """One calendar object: its bytes, its ETag with quotes, and its UIDs."""

    body: bytes
    etag: str
    uids: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One entry of the change log; ``second`` is the clock when it happened."""

    number: int
    name: str
    gone: bool
    second: int


@dataclass
class Calendar:
    """A calendar collection: ``path`` is decoded and ends with ``/``."""

    name: str
    path: str
    displayname: str
    quirks: Quirks
    components: tuple[str, ...] = ("VEVENT",)
    writable: bool = True
    objects: dict[str, Stored] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    epoch: int = 0
    ctag: int = 0
    _writes: dict[str, int] = field(default_factory=dict)

    def store(self, name: str, body: bytes) -> Stored:
        """Put bytes under a name as they are and log the change."""
        self._writes[name] = self._writes.get(name, -1) + 1
        stored = Stored(body, self._etag(name, body), tuple(ics.uids(body)))
        self.objects[name] = stored
        self._log(name, gone=False)
        return stored

    def remove(self, name: str) -> None:
        """Remove an object and log it.

        :raises KeyError: nothing under that name.
        """
        del self.objects[name]
        self._writes.pop(name, None)
        self._log(name, gone=True)

    def token(self, number: int | None = None) -> str:
        """The sync token after a change, or after the newest."""
        return f"{PREFIX}{self.name}/{self.epoch}-{len(self.changes) if number is None else number}"

    def number(self, token: str) -> int:
        """The change a token stands for; 0 for the empty token.

        :raises InvalidToken: of another calendar or expired.
        """
        if not token:
            return 0
        epoch, _, number = token.removeprefix(f"{PREFIX}{self.name}/").partition("-")
        if epoch != str(self.epoch) or not number.isdigit() or int(number) > len(self.changes):
            raise InvalidToken(token)
        return int(number)

    def since(self, number: int) -> list[Change]:
        """The latest change of each name after ``number``, oldest first."""
        latest = {change.name: change for change in self.changes if change.number > number}
        return sorted(latest.values(), key=lambda change: change.number)

    def expire_tokens(self) -> None:
        """Make every token given so far invalid."""
        self.epoch += 1

    def _etag(self, name: str, body: bytes) -> str:
        if self.quirks.counter_etags:
            return f'"gcs{self._writes[name]:08d}"'
        return ("W/" if self.quirks.weak_etags else "") + f'"{hashlib.sha256(body).hexdigest()[:24]}"'

    def _log(self, name: str, *, gone: bool) -> None:
        number = len(self.changes) + 1
        if self.quirks.omit_change_times > 0:
            self.quirks.omit_change_times -= 1
            name = ""
        self.changes.append(Change(number, name, gone, int(time.time())))
        if not (gone and self.quirks.ctag_ignores_deletes):
            self.ctag = number


@dataclass
class Home:
    """A collection of calendars, by name."""

    path: str
    calendars: dict[str, Calendar] = field(default_factory=dict)


class State:
    """The account of one user: principal, homes, calendars."""

    def __init__(self, quirks: Quirks, user: str, names: tuple[str, ...]) -> None:
        self.quirks = quirks
        self.user = user
        self.principal = f"/principals/{user}/"
        self.homes = [Home(f"/calendars/{user}/")]
        for name in names:
            self.add_calendar(name)
        if quirks.todo_calendar:
            self.add_calendar("reminders").components = ("VTODO",)
        if quirks.read_only_calendar:
            self.add_calendar("holidays").writable = False
        if quirks.second_home:
            self.homes.append(Home(f"/more/{user}/"))
            self.add_calendar("shared", home=1)

    @property
    def calendars(self) -> dict[str, Calendar]:
        """All calendars of all homes by name."""
        return {name: calendar for home in self.homes for name, calendar in home.calendars.items()}

    def add_calendar(self, name: str, *, home: int = 0) -> Calendar:
        """A new empty calendar."""
        target = self.homes[home]
        calendar = Calendar(name, f"{target.path}{name}/", name.capitalize(), self.quirks)
        target.calendars[name] = calendar
        return calendar

    def drop_calendar(self, name: str) -> None:
        """Remove a calendar with all it holds."""
        for home in self.homes:
            home.calendars.pop(name, None)

    def home_at(self, path: str) -> Home | None:
        """The home at a decoded path."""
        return next((home for home in self.homes if home.path.rstrip("/") == path.rstrip("/")), None)

    def calendar_at(self, path: str) -> Calendar | None:
        """The calendar at a decoded path."""
        wanted = path.rstrip("/")
        return next((c for c in self.calendars.values() if c.path.rstrip("/") == wanted), None)

    def locate(self, path: str) -> tuple[Calendar, str] | None:
        """The calendar and object name a decoded path stands for, whether or not the object exists."""
        parent, _, name = path.rpartition("/")
        calendar = self.calendar_at(parent + "/")
        return (calendar, name) if calendar is not None and name else None
