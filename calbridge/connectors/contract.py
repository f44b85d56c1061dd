"""The contract between the core and a connector (SYNC part C; written out in docs/contract.md).

A connector is opened for one account and used by one run at a time. It keeps no state outside what the core hands
it, reaches the network only through the transport it was given, and raises nothing but
:class:`calbridge.errors.ConnectorError` (C5, C6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, runtime_checkable

from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.transport import Transport
from calbridge.domain.content import Content, Unit, Value
from calbridge.domain.event import Event
from calbridge.errors import ConnectorError

CONTRACT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Owner:
    """Who an account is: a stable id, its address and all its own addresses (lower case)."""

    id: str
    address: str
    own_addresses: frozenset[str] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the connector learned of this server and wants handed back (small, no secrets)."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar that can be linked."""

    id: str
    name: str
    time_zone: str | None = None
    color: str | None = None
    primary: bool = False
    writable: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """Local days, end exclusive; None is open."""

    start: date | None = None
    end: date | None = None


OPEN_WINDOW = Window()


@dataclass(frozen=True, slots=True)
class Seen:
    """Something lives at this address. ``event`` only when it is whole; then ``native`` goes with it."""

    remote_id: str
    version: str | None = None
    uid: str | None = None
    event: Event | None = None
    native: bytes | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing lives at this address any more; ``sure`` when the service itself said deleted."""

    remote_id: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something lives there that can't be understood; ``code`` is in the catalogue."""

    remote_id: str
    version: str | None
    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The service gave no answer about this address: neither there nor gone."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of changes (C1).

    The last page has ``cursor``; ``full`` says whether all pages together were a complete listing of ``covers``,
    the only range in which absence means anything.
    """

    entries: Sequence[Seen | Gone | Unreadable]
    checkpoint: str | None = None
    cursor: str | None = None
    last: bool = False
    full: bool = False
    covers: Window | None = None


Fetched = Seen | Gone | Unreadable | Unknown


@dataclass(frozen=True, slots=True)
class Place:
    """Where a create will live, when the client may choose: known before the call (C4)."""

    remote_id: str
    uid: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make an event. The same key twice makes one event.

    ``source_url``: where the PSA shows the record behind it, for the owner of the calendar (C3.source). It is no part
    of the target: a connector that has no place for it leaves it out.
    """

    key: str
    target: Content
    uid: str
    remote_id: str | None = None
    source_url: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Change these units and nothing else.

    ``rekeyed`` maps old to new occurrence keys where the series moved (None: dropped); ``units`` are in new keys.
    A unit of an occurrence with value None is inherited again. ``redact``: the event becomes hidden, so everything
    the model does not know goes too (A9).
    """

    remote_id: str
    version: str | None
    native: bytes | None
    units: Mapping[Unit, Value]
    rekeyed: Mapping[str, str | None] = field(default_factory=dict)
    redact: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an event silently; ``native`` as last shown."""

    remote_id: str
    version: str | None
    native: bytes | None = None


Write = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class Done:
    """The write happened; ``event`` is what the service holds now (None after a delete).

    ``conditional``: the service would have refused it on another version than the one given.
    ``exact``: ``event`` is what this very write left, not a later state that others may have touched.
    """

    remote_id: str
    version: str | None = None
    event: Event | None = None
    native: bytes | None = None
    conditional: bool = True
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Partial:
    """Some steps of a series were written: the event as it is now and the units that are missing (C3)."""

    remote_id: str
    version: str | None
    event: Event
    native: bytes | None
    missing: frozenset[Unit]


@dataclass(frozen=True, slots=True)
class Failed:
    """The write was refused; the error is one of C5. ``Unavailable`` means: outcome unknown, look first."""

    error: ConnectorError


Result = Done | Partial | Failed | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The owner's answer to an invitation (C9).

    ``answer`` is one of :data:`ANSWERS`; ``version`` and ``native`` as last shown; ``comment`` is for the organiser.
    """

    remote_id: str
    version: str | None
    native: bytes | None
    answer: str
    comment: str | None = None


ANSWERS = ("accepted", "declined", "tentative")


class Connector(Protocol):
    """One account at one service."""

    @property
    def capabilities(self) -> Capabilities:
        """What this service, as met by this account, can do."""

    def check(self) -> Owner:
        """Prove the credentials and say who the account is."""

    def calendars(self) -> Sequence[Calendar]:
        """All calendars that hold events."""

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        """What changed since the cursor or checkpoint, or everything without one (C1).

        :raises CursorExpired: the cursor can't be used; :raises CalendarGone: the calendar is not there.
        """

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        """One answer per id, in any order; at most ``capabilities.fetch_batch`` ids."""

    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        """Events that carry one of our keys as marker or one of these UIDs."""

    def place(self, calendar: str, key: str) -> Place | None:
        """Address and UID that a create with this key will have; None where the service chooses."""

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        """One result per write, in order. None: no result, the outcome is unknown."""

    def normalise(self, content: Content) -> Content:
        """Pure: what the service is known to make of a content."""

    def close(self) -> None:
        """Release connections."""


@runtime_checkable
class Responding(Protocol):
    """What a connector with ``Ability.RESPOND`` has besides (C9)."""

    def respond(self, calendar: str, answer: Answer) -> Result:
        """Answer an invitation, to all of a series; the organiser learns it as that service tells it, nobody else.

        None: the outcome is unknown. Refused as writes are; ``Rejected`` (``not_invited``) where the owner is no guest.
        """


@runtime_checkable
class Controlled(Protocol):
    """What a connector with ``Ability.CONTROLS`` has besides (C10): the other door to a calendar for trying out."""

    def control(self, action: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Do what a person does at the service, or make it fail; docs/contract.md lists actions and arguments.

        :raises NotFound, VersionConflict, CalendarGone: as for writes; :raises Rejected: it can't be done.
        """


OAUTH = "oauth"
"""The :attr:`ConnectorSpec.authentication` of services that are signed in to on their own pages (C11)."""

MOST_STORED = 8_000_000
"""Bytes that a storage takes."""


class Storage(Protocol):
    """What the core keeps for one account on behalf of a connector whose spec asks for it (C10)."""

    def read(self) -> tuple[bytes | None, int]:
        """The bytes and their version; None and 0 where nothing was written yet."""

    def write(self, content: bytes, expected_version: int) -> bool:
        """Store the bytes if the version still is the one that was read; False: read again and decide anew.

        :raises Rejected: ``too_large``: more than :data:`MOST_STORED`.
        """


@runtime_checkable
class SigningIn(Protocol):
    """What a connector whose spec says ``authentication="oauth"`` has besides (C11)."""

    def authorize_url(
        self, redirect_uri: str, state: str, code_challenge: str, *, login_hint: str | None = None
    ) -> str:
        """Where the user's browser is sent to. Pure. ``code_challenge`` is S256 of the verifier (RFC 7636).

        :raises PermissionMissing: ``app_not_registered``: the operator has not set up the client.
        """

    def exchange(self, code: str, redirect_uri: str, code_verifier: str) -> str:
        """The account's secret for a code. Where the service gives no lasting token again, that of the account's
        former secret is kept, if it is certainly the same person's.

        :raises SignInRequired: the code is used or expired; :raises PermissionMissing: ``consent_incomplete``, with the
            fact ``missing``: what was left out, in words for people.
        """

    def refresh(self) -> str:
        """The account's secret, renewed at the service now.

        :raises SignInRequired: confirmed, if the service said that the grant is dead; a network error never says so.
        """

    def revoke(self) -> None:
        """End the grant at the service; nothing to do where it is dead already."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a push subscription is asked for with: all chosen by the core, and stored before the call (C12)."""

    id: str
    """Of letters, digits, ``-`` and ``_``, at most 64, never used before."""
    address: str
    """An https address that is reached from outside."""
    token: str = field(repr=False)
    """At most 256 characters; what comes in carries it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A push subscription at the service: what ending it takes, and when it ends by itself."""

    state: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A request that came in at a notification address. Header names are lower case.

    ``known``: the core gave this address out. Of a request to an unknown one the body is not read.
    """

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    known: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """What a notice says: which subscription, by its id and token, whether something changed, and what to answer.

    ``id`` None: it is no notice of this service. The core compares id and token with what it stored before it believes
    anything; the answer is the same whether they fit or not. ``status`` is one of :data:`HEARD_STATUSES`.
    """

    id: str | None
    token: str | None = field(default=None, repr=False)
    changed: bool = False
    status: int = 204
    content_type: str | None = None
    body: bytes = b""


HEARD_STATUSES = frozenset({200, 202, 204})


class NoticeReader(Protocol):
    """What the ``notices`` of a spec names (C12)."""

    def __call__(self, notice: Notice) -> Heard:
        """What a notice says. Pure, quick, without the vendor's library, and whatever came in, it raises nothing."""


@runtime_checkable
class Watching(Protocol):
    """What a connector with ``Ability.PUSH`` has besides (C12); its spec has ``notices``."""

    def watch(self, calendar: str, wanted: Subscription) -> Watch:
        """Subscribe to a calendar. The first notice may come before this returns."""

    def renew(self, calendar: str, watch: Watch, wanted: Subscription) -> Watch:
        """Go on under a fresh subscription, without a gap; the former one is ended as well as possible."""

    def unwatch(self, calendar: str, watch: Watch) -> None:
        """End a subscription; nothing to do where it has ended already."""


def _keep_nothing(secret: str) -> None:
    """For connectors that are opened without a store behind them."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a connector is opened with. The secret never appears in a repr."""

    service: str
    url: str | None
    username: str
    secret: str = field(repr=False)
    facts: Mapping[str, str] = field(default_factory=dict)
    own_addresses: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the operator set of the names that the connector's spec asks for (C11)."""
    keep_secret: Callable[[str], None] = field(default=_keep_nothing, repr=False, compare=False)
    """Takes a secret that the service renewed; the core stores it, encrypted, for later connectors (C11)."""


class ConnectorFactory(Protocol):
    """What a plugin's dotted path names."""

    def __call__(self, account: Account, transport: Transport) -> Connector:
        """Open a connector; sends nothing."""


class StoringFactory(Protocol):
    """What the dotted path names where the spec says ``storage``."""

    def __call__(self, account: Account, transport: Transport, storage: Storage) -> Connector:
        """Open a connector; sends nothing, reads nothing."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service the user can pick."""

    name: str
    title: str
    needs_url: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """A quota of the service: so many ``requests`` in so many ``seconds`` for each mailbox, or for the whole project
    (the operator's registration there, all tenants together). All workers count it and wait or yield before they reach
    it.
    """

    scope: Literal["mailbox", "project"]
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """What a plugin registers: light, nothing vendor-specific imported (DESIGN 4)."""

    name: str
    services: tuple[ServiceSpec, ...]
    authentication: str
    account_schema: Mapping[str, object]
    capabilities: Capabilities
    factory: str
    contract_version: int = CONTRACT_VERSION
    storage: bool = False
    """Whether the factory takes a :class:`Storage`: it is a :class:`StoringFactory` then."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What an operator may set for this connector: name and meaning (C11)."""
    limits: tuple[RequestLimit, ...] = ()
    notices: str | None = None
    """Dotted path of a :class:`NoticeReader`, where the service pushes (C12)."""
