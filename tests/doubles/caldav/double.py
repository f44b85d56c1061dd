"""The hostile CalDAV server as tests hold it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.doubles.caldav.certificate import server_context
from tests.doubles.caldav.log import Logged, RequestLog
from tests.doubles.caldav.quirks import Quirks
from tests.doubles.caldav.server import Listener
from tests.doubles.caldav.site import MAIN, OTHER, PARTITION, Breach, Mail, Site
from tests.doubles.caldav.state import Calendar, State


class CalDavDouble:
    """One account on a server with the given oddities. Methods named after events play the user's phone.

    ``quirks`` may be changed at any time (``tls`` and the switches that add calendars only before the start).
    """

    def __init__(self, site: Site, listeners: dict[str, Listener], log: RequestLog, ca_file: Path | None) -> None:
        self._site = site
        self._listeners = listeners
        self._log = log
        self.ca_file = ca_file
        self.user = site.state.user
        self.password = site.password

    @property
    def quirks(self) -> Quirks:
        """The live switches."""
        return self._site.quirks

    @property
    def url(self) -> str:
        """Root address of the first host."""
        return self._site.bases[MAIN] + "/"

    def base(self, host: str) -> str:
        """Scheme, name and port of ``main``, ``partition`` or ``other`` (a foreign host)."""
        return self._site.bases[host]

    @property
    def principal_url(self) -> str:
        """Address of the user's principal."""
        return self._site.url(self._site.state.principal, MAIN)

    @property
    def home_url(self) -> str:
        """Address of the first calendar home."""
        return self._site.url(self._site.state.homes[0].path)

    def calendar_url(self, calendar: str) -> str:
        """Address of a calendar."""
        return self._site.url(self._calendar(calendar).path)

    @property
    def requests(self) -> list[Logged]:
        """All requests since the start or the last ``clear``, on all hosts."""
        return self._log.entries

    def count(self, operation: str) -> int:
        """How many requests of an operation (``PUT``, ``PROPFIND 1``, ``sync-collection``, ...) came."""
        return sum(operation in (entry.operation, entry.method) for entry in self.requests)

    @property
    def bytes_moved(self) -> int:
        """Bodies of requests and answers together, in bytes as transferred."""
        return sum(entry.body_length + entry.answer_length for entry in self.requests)

    @property
    def connections(self) -> int:
        """How many connections carried the logged requests."""
        return len({entry.connection for entry in self.requests})

    @property
    def most_at_once(self) -> int:
        """The largest number of requests in flight at one time."""
        return max((entry.at_once for entry in self.requests), default=0)

    @property
    def breaches(self) -> list[Breach]:
        """What a careful client would not have sent."""
        return list(self._site.breaches)

    @property
    def mails(self) -> list[Mail]:
        """Messages the server sent to people."""
        return list(self._site.mails)

    def clear(self) -> None:
        """Forget requests, breaches and mails."""
        with self._site.lock:
            self._log.clear()
            self._site.breaches.clear()
            self._site.mails.clear()

    def before(self, operation: str, action: Callable[[], object]) -> None:
        """Do something once, just before the next request of that operation is carried out."""
        with self._site.lock:
            self._site.hooks.setdefault(operation, []).append(action)

    def put_event(self, calendar: str, name: str, body: bytes | str) -> str:
        """Store bytes as they are, without any check; the answer is the ETag."""
        with self._site.lock:
            return self._calendar(calendar).store(name, body.encode() if isinstance(body, str) else body).etag

    def delete_event(self, calendar: str, name: str) -> None:
        """Remove an object."""
        with self._site.lock:
            self._calendar(calendar).remove(name)

    def move_event(self, calendar: str, old_name: str, new_name: str, *, to: str | None = None) -> None:
        """Give an object another name, or another calendar, keeping its bytes."""
        with self._site.lock:
            body = self._calendar(calendar).objects[old_name].body
            self._calendar(calendar).remove(old_name)
            self._calendar(to or calendar).store(new_name, body)

    def events(self, calendar: str) -> dict[str, bytes]:
        """What a calendar holds: name -> bytes."""
        with self._site.lock:
            return {name: stored.body for name, stored in self._calendar(calendar).objects.items()}

    def etag(self, calendar: str, name: str) -> str:
        """The ETag of an object."""
        with self._site.lock:
            return self._calendar(calendar).objects[name].etag

    def add_calendar(self, name: str) -> None:
        """A new calendar in the first home."""
        with self._site.lock:
            self._site.state.add_calendar(name)

    def rename(self, calendar: str, displayname: str) -> None:
        """Change what people read as the calendar's name; its address stays."""
        with self._site.lock:
            self._calendar(calendar).displayname = displayname

    def drop_calendar(self, calendar: str) -> None:
        """Remove a calendar with all it holds."""
        with self._site.lock:
            self._site.state.drop_calendar(calendar)

    def expire_tokens(self, calendar: str) -> None:
        """Make all sync tokens of a calendar invalid."""
        with self._site.lock:
            self._calendar(calendar).expire_tokens()

    def _calendar(self, name: str) -> Calendar:
        return self._site.state.calendars[name]

    def close(self) -> None:
        """Stop serving.

        :raises ExceptionGroup: the double itself failed while answering.
        """
        self._site.stopping.set()
        for listener in self._listeners.values():
            listener.stop()
        failures = [failure for listener in self._listeners.values() for failure in listener.failures]
        if failures:
            raise BaseExceptionGroup("the CalDAV double failed", failures)


@contextmanager
def caldav_double(
    quirks: Quirks | None = None,
    *,
    user: str = "alice@example.com",
    password: str = "secret",
    calendars: Sequence[str] = ("work",),
    host_names: dict[str, str] | None = None,
) -> Iterator[CalDavDouble]:
    """A running double with empty calendars.

    ``host_names`` gives the hosts ``main``, ``partition`` and ``other`` names other than 127.0.0.1, for addresses in
    answers and for the certificate; it is the client's resolver that must know them.
    """
    switches = quirks or Quirks()
    names = {MAIN: "127.0.0.1", PARTITION: "127.0.0.1", OTHER: "127.0.0.1", **(host_names or {})}
    log = RequestLog()
    with tempfile.TemporaryDirectory() as folder:
        tls = server_context(Path(folder), list((host_names or {}).values())) if switches.tls else None
        site = Site(switches, State(switches, user, (*calendars, *switches.extra_calendars)), password)
        listeners = {host: Listener(host, site, log, tls) for host in names}
        scheme = "http" if tls is None else "https"
        site.bases.update({host: f"{scheme}://{names[host]}:{listeners[host].port}" for host in names})
        double = CalDavDouble(site, listeners, log, None if tls is None else Path(folder) / "ca.pem")
        try:
            yield double
        finally:
            double.close()
