"""The connector itself: each call of the contract is one line into the module that does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.contract import (
    Account,
    Answer,
    Calendar,
    Fetched,
    Gone,
    Owner,
    Page,
    Place,
    Result,
    Seen,
    Unknown,
    Unreadable,
    Window,
    Write,
)
from calbridge.connectors.ical import normalise_content
from calbridge.connectors.transport import Transport
from calbridge.domain.content import Content
from calbridge_caldav.capabilities import capabilities_for
from calbridge_caldav.changes import changes
from calbridge_caldav.checking import owner_of
from calbridge_caldav.client import DavClient
from calbridge_caldav.collection import Collection
from calbridge_caldav.discovery import Locator
from calbridge_caldav.fetch import Refusal, fetch_bodies
from calbridge_caldav.find import find
from calbridge_caldav.homes import Homes
from calbridge_caldav.hrefs import canonical, parse_remote_id
from calbridge_caldav.listing import read_state
from calbridge_caldav.locator import dns_locator
from calbridge_caldav.naming import place_of
from calbridge_caldav.objects import Body, rows_of
from calbridge_caldav.putting import Terms, utc_now
from calbridge_caldav.writing import write_all


class CalDavConnector:
    """One account at a CalDAV server or iCloud. The transport belongs to the caller."""

    def __init__(self, account: Account, transport: Transport, *, locate: Locator = dns_locator) -> None:
        self._account = account
        self._facts = dict(account.facts)
        self._own_addresses = account.own_addresses
        self._client = DavClient(transport, account)
        self._homes = Homes(self._client, account, locate)
        self._named_gone: dict[str, set[str]] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Sizes by service, levels by what the last check learned."""
        return capabilities_for(self._account.service, self._facts)

    def check(self) -> Owner:
        """Sign in and say who this is (RFC 5397 on the principal).

        Raises SignInRequired (for iCloud never confirmed, with ``app_password_required``), PermissionMissing,
        AddressRefused, Throttled, Unavailable (``login_page``, ``not_a_calendar_server``, ``host_unreachable``, ...).
        """
        owner = owner_of(self._account, self._homes.rediscover(), self._client.auth_kind)
        self._facts, self._own_addresses = dict(owner.facts), owner.own_addresses
        return owner

    def calendars(self) -> Sequence[Calendar]:
        """All calendars that hold events, of all homes."""
        return self._homes.calendars()

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        """See :mod:`.changes`. The window is not used: every listing covers all there is, at no higher price."""
        for page in changes(self._collection(calendar), cursor):
            gone = self._named_gone.setdefault(calendar, set())
            for entry in page.entries:
                (gone.add if isinstance(entry, Gone) else gone.discard)(entry.remote_id)
            yield page

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        """See :mod:`.fetch` and :mod:`.objects`: may answer more rows than ids, never fewer."""
        wanted: dict[str, set[str]] = {}
        for remote_id in remote_ids:
            wanted.setdefault(parse_remote_id(remote_id).path, set()).add(remote_id)
        collection = self._collection(calendar)
        members = [path for path in wanted if collection.contains(path)]
        if len(members) < len(wanted):
            read_state(collection)  # the calendar has to answer before any address of it can be called unknown
        found = fetch_bodies(
            collection,
            members,
            size=self.capabilities.fetch_batch,
            known_gone=self._named_gone.get(calendar, set()),
        )
        rows: list[Fetched] = []
        for path, ids in wanted.items():
            body = found.get(path, Refusal())
            if isinstance(body, Body):
                rows += rows_of(path, body, ids, self._own_addresses)
            else:
                rows += [_without_body(remote_id, body) for remote_id in sorted(ids)]
        return rows

    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        """See :mod:`.find`."""
        return find(
            self._collection(calendar),
            keys,
            uids,
            size=self.capabilities.fetch_batch,
            known_gone=self._named_gone.get(calendar, set()),
            own_addresses=self._own_addresses,
        )

    def place(self, calendar: str, key: str) -> Place | None:
        """Address and UID of a create, from the key alone. Sends nothing."""
        path = canonical(calendar)
        return place_of(path if path.endswith("/") else path + "/", key)

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        """See :mod:`.writing`."""
        return self._write(calendar, writes)

    def respond(self, calendar: str, answer: Answer) -> Result:
        """See :func:`.putting.put_answer`."""
        return self._write(calendar, [answer])[0]

    def normalise(self, content: Content) -> Content:
        """What iCalendar itself can't carry is dropped; what single servers make of it can't be known beforehand."""
        return normalise_content(content)

    def close(self) -> None:
        """Nothing is held here: connections belong to the transport."""

    def _write(self, calendar: str, writes: Sequence[Write | Answer]) -> list[Result]:
        capabilities = self.capabilities
        terms = Terms(self._facts.get("preconditions") == "ignored", self._own_addresses, utc_now())
        return write_all(
            self._collection(calendar),
            writes,
            terms,
            parallel=capabilities.parallel_writes,
            fetch_batch=capabilities.fetch_batch,
        )

    def _collection(self, calendar: str) -> Collection:
        return Collection(self._client, self._homes, calendar)


def _without_body(remote_id: str, held: Refusal | None) -> Fetched:
    if held is None:
        return Gone(remote_id)
    return Unreadable(remote_id, held.etag, held.code) if held.code is not None else Unknown(remote_id)


def open_connector(account: Account, transport: Transport) -> CalDavConnector:
    """The factory that the plugin names."""
    return CalDavConnector(account, transport)
