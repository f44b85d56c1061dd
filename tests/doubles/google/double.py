"""The double as tests hold it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.doubles.google.events import Writer, merged
from tests.doubles.google.push import Channel, Message
from tests.doubles.google.quirks import Quirks
from tests.doubles.google.refusing import ApiError
from tests.doubles.google.server import Listener, Logged
from tests.doubles.google.signing import EMAIL_SCOPE, Client, Grant, User
from tests.doubles.google.site import Fault, Site
from tests.doubles.google.state import CalendarState, rendered
from tests.doubles.google.times import Resource, kept

FULL_CONSENT = (
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
    "openid",
    EMAIL_SCOPE,
)


class GoogleDouble:
    """One Google account. Methods named after events play the user's own Google Calendar."""

    def __init__(self, site: Site, listener: Listener) -> None:
        self._site = site
        self._listener = listener

    @property
    def quirks(self) -> Quirks:
        """The live switches."""
        return self._site.quirks

    @property
    def url(self) -> str:
        """Root of everything."""
        return f"http://127.0.0.1:{self._listener.port}/"

    @property
    def user(self) -> str:
        """The account's address, and the id of its primary calendar."""
        return str(self._site.user.email)

    @property
    def sub(self) -> str:
        """The account's id."""
        return str(self._site.user.sub)

    @property
    def client(self) -> Client:
        """The registered app."""
        return self._site.signing.client

    # signing in

    def grant(self, scopes: Iterable[str] = FULL_CONSENT) -> str:
        """A refresh token as a finished sign-in leaves it."""
        with self._site.lock:
            self._site.signing.consented.add(self.user)
            return self._site.signing.new_refresh(Grant(self._site.user, tuple(scopes), self._site.now()))

    def sign_in(self, url: str, *, untick: Sequence[str] = (), deny: bool = False, account: str | None = None) -> str:
        """What a person does on the consent page; the address that the browser is sent to."""
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        with self._site.lock:
            page = self._site.signing.page(query)
            if page.status != 200:
                raise AssertionError(f"the consent page refuses: {page.text}")
            scopes = [each for each in query["scope"].split() if each not in untick]
            form = {"request": [json.dumps(query)], "scope": scopes, "act": ["deny" if deny else "allow"]}
            if account is not None:
                form["account"] = [account]
            return str(self._site.signing.consent(form).headers["Location"])

    def add_user(self, email: str, sub: str) -> None:
        """Somebody else who may sign in; the calendars are the same."""
        with self._site.lock:
            self._site.signing.others[email] = User(email, sub)

    @property
    def living_grants(self) -> list[str]:
        """Addresses of those whose grant lives and has a refresh token."""
        with self._site.lock:
            living = {id(each): each for each in self._site.signing.refresh.values() if not each.dead}
            return sorted(each.user.email for each in living.values())

    def revoke(self) -> None:
        """The user removes the app from the account."""
        with self._site.lock:
            for grant in self._site.signing.refresh.values():
                grant.dead = True

    def kill_access_tokens(self) -> None:
        """Access tokens die before their time."""
        with self._site.lock:
            self._site.signing.access.clear()

    def now(self) -> datetime:
        """What the time is."""
        return self._site.now()

    def advance(self, delta: timedelta) -> None:
        """Put the clock forward."""
        with self._site.lock:
            self._site.offset += delta

    # what goes wrong

    def fail(self, operation: str, error: ApiError, times: int = 1) -> None:
        """The next calls of an operation (``batch`` for a whole batch, ``*`` for any) are refused so."""
        with self._site.lock:
            self._site.faults.append(Fault(operation, "error", error, times))

    def lose_reply(self, operation: str, times: int = 1) -> None:
        """The next calls are done, and the connection ends without an answer."""
        with self._site.lock:
            self._site.faults.append(Fault(operation, "lose_reply", times=times))

    def lose_request(self, operation: str, times: int = 1) -> None:
        """The connection ends before the next calls are done."""
        with self._site.lock:
            self._site.faults.append(Fault(operation, "lose_request", times=times))

    def before(self, operation: str, action: Callable[[], object]) -> None:
        """Do something once, just before the next call of that operation."""
        with self._site.lock:
            self._site.hooks.setdefault(operation, []).append(action)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        with self._site.lock:
            self._site.faults.clear()

    def expire_tokens(self, calendar: str | None = None) -> None:
        """All sync and page tokens answer 410 from now on."""
        with self._site.lock:
            self._calendar(calendar).epoch += 1

    # what is seen

    @property
    def requests(self) -> list[Logged]:
        """All requests since the start or the last ``clear``."""
        with self._site.lock:
            return list(self._listener.log)

    def count(self, operation: str) -> int:
        """How many calls of an operation came, those in batches included."""
        return sum(entry.calls.count(operation) + (entry.operation == operation == "batch") for entry in self.requests)

    @property
    def breaches(self) -> list[str]:
        """What a careful client would not have done."""
        return list(self._site.breaches)

    @property
    def mails(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Mails to guests: what was done, with which event, to whom."""
        return list(self._site.mails)

    def clear(self) -> None:
        """Forget requests, breaches and mails."""
        with self._site.lock:
            self._listener.log.clear()
            self._site.breaches.clear()
            self._site.mails.clear()

    # calendars and events

    def add_calendar(self, calendar_id: str, summary: str, **facts: Any) -> None:
        """One more calendar: ``access_role``, ``time_zone``, ``hidden``."""
        with self._site.lock:
            self._site.add_calendar(calendar_id, summary, **facts)

    def drop_calendar(self, calendar_id: str) -> None:
        """No longer shared with this account, or deleted."""
        with self._site.lock:
            del self._site.calendars[calendar_id]

    def set_role(self, role: str, calendar: str | None = None) -> None:
        """What the account may do in a calendar."""
        with self._site.lock:
            self._calendar(calendar).access_role = role

    def insert(self, body: Resource, calendar: str | None = None) -> str:
        """Make an event in the user's own program; its id. Fields that only Google sets may be given in ``_set``."""
        with self._site.lock:
            state = self._calendar(calendar)
            facts = body.pop("_set", {})
            made = Writer(self._site, state).insert(
                body, {"conferenceDataVersion": ["1"], "supportsAttachments": ["true"]}
            )
            if facts:
                state.put({**state.events[made["id"]].body, **facts}, self._site.now())
            self._site.pushing.changed(state.id)
            return str(made["id"])

    def patch(self, event_id: str, body: Resource, calendar: str | None = None) -> Resource:
        """Change an event, or an instance, in the user's own program."""
        with self._site.lock:
            state = self._calendar(calendar)
            query = {"conferenceDataVersion": ["1"], "supportsAttachments": ["true"]}
            told = Writer(self._site, state).patch(event_id, body, query, {"if-match": "*"})
            self._site.pushing.changed(state.id)
            return told

    def organizer_changes(self, event_id: str, body: Resource, calendar: str | None = None) -> None:
        """The organizer of a meeting, who is somebody else, changes it, an instance or its master."""
        with self._site.lock:
            state = self._calendar(calendar)
            found = state.find(event_id)
            assert found is not None
            after = merged(found[0], body)
            state.put({**after, **{key: kept(after[key], key) for key in ("start", "end")}}, self._site.now())
            self._site.pushing.changed(state.id)

    def put_raw(self, body: Resource, calendar: str | None = None) -> None:
        """Keep a body as it is, whatever it says."""
        with self._site.lock:
            self._calendar(calendar).put(body, self._site.now())

    def fill(self, bodies: Iterable[Resource], calendar: str | None = None) -> None:
        """Many plain events at once."""
        with self._site.lock:
            for body in bodies:
                self._calendar(calendar).put(body, self._site.now())

    def delete(self, event_id: str, calendar: str | None = None) -> None:
        """Delete an event, or one instance."""
        with self._site.lock:
            state = self._calendar(calendar)
            Writer(self._site, state).delete(event_id, {}, {"if-match": "*"})
            self._site.pushing.changed(state.id)

    def get(self, event_id: str, calendar: str | None = None) -> Resource:
        """An event as the API shows it."""
        with self._site.lock:
            return Writer(self._site, self._calendar(calendar)).get(event_id, {})

    def instances(self, master_id: str, calendar: str | None = None) -> list[Resource]:
        """All instances of a series as the API shows them, cancelled ones included."""
        with self._site.lock:
            state = self._calendar(calendar)
            found = state.instances(state.events[master_id])
            return [rendered(state, body, stored) for body, stored in found]

    def exceptions(self, master_id: str, calendar: str | None = None) -> list[Resource]:
        """The exceptions of a series, cancelled instances included."""
        with self._site.lock:
            state = self._calendar(calendar)
            return [rendered(state, each.body, each) for each in state.exceptions(master_id)]

    def events(self, calendar: str | None = None) -> dict[str, Resource]:
        """All living single events and masters as the API shows them, by id."""
        with self._site.lock:
            state = self._calendar(calendar)
            living = [each for each in state.events.values() if not each.cancelled and not each.is_exception]
            return {each.body["id"]: rendered(state, each.body, each) for each in living}

    def wipe_tombstones(self, calendar: str | None = None) -> None:
        """Everything deleted is forgotten, ids too."""
        with self._site.lock:
            state = self._calendar(calendar)
            state.events = {name: each for name, each in state.events.items() if not each.cancelled}

    def _calendar(self, calendar: str | None) -> CalendarState:
        return self._site.calendars[calendar or self.user]

    # push

    def route(self, host: str, port: int) -> None:
        """Where messages to a host go on this machine."""
        self._site.pushing.routes[host] = port

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Living channels by id."""
        return dict(self._site.pushing.channels)

    @property
    def messages(self) -> list[Message]:
        """What was pushed, and how it was answered."""
        self._site.pushing.flush()
        return list(self._site.pushing.messages)

    def close(self) -> None:
        """Stop serving.

        :raises ExceptionGroup: the double itself failed while answering.
        """
        self._site.stopping.set()
        self._listener.stop()
        self._site.pushing.close()
        if self._listener.failures:
            raise BaseExceptionGroup("the Google double failed", copy.copy(self._listener.failures))


@contextmanager
def google_double(quirks: Quirks | None = None, *, client: Client | None = None) -> Iterator[GoogleDouble]:
    """A running double with an empty primary calendar."""
    site = Site(quirks or Quirks(), client or Client())
    double = GoogleDouble(site, Listener(site))
    try:
        yield double
    finally:
        double.close()
