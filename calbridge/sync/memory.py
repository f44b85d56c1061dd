"""What the engine remembers: links, known rows, intents (SYNC B)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from calbridge.connectors.contract import Window
from calbridge.domain.content import EMPTY, Content, Unit, Value
from calbridge.domain.event import ALL_EDITABLE, Editable
from calbridge.domain.options import Level, Options


class LinkState(enum.StrEnum):
    """Where a pair stands (SYNC B); shown in the API with reason and since when."""

    PENDING = "pending"
    SYNCED = "synced"
    WITHHELD = "withheld"
    FAILED = "failed"
    FROZEN = "frozen"
    WOULD_MAIL = "would_mail"
    PAST = "past"
    WITHDRAWN = "withdrawn"
    DETACHED = "detached"
    PENDING_DELETE = "pending_delete"
    CLOSED = "closed"


class MadeBy(enum.StrEnum):
    """Who made the event."""

    US = "us"
    THEM = "them"
    ADOPTED = "adopted"


class KnownState(enum.StrEnum):
    """Why a listed event has no link."""

    KNOWN = "known"
    QUARANTINED = "quarantined"
    AMBIGUOUS = "ambiguous"
    ALREADY_HERE = "already_here"
    MANAGED_ELSEWHERE = "managed_elsewhere"


class Op(enum.StrEnum):
    """The kind of a write step."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Link:
    """Item <-> remote event of one integration, with its four memories.

    ``sent``: projection at the last agreement; ``shown`` with ``seen_version``: the event as last shown, under privacy
    level ``level``; ``native``: the connector's opaque bytes. ``owed``: units to write although the item did not
    change. ``withheld``: remote changes seen and not applied. ``gone_at``: evidence of a remote deletion, not yet
    executed. ``work``: the local phase has something to look at; ``reread``: the event must be read before that;
    ``ranged``: a range run asked for it, so it is sent although it may be past.
    ``old_uids``: of earlier generations and withdrawn copies. ``guests``: the event has attendees, whether or not
    their names may be kept. ``parked``: the calendar a closed link waits for, should the integration come back to it
    (D9). ``undone``: fingerprints of targets that were written lately, with times (D11).
    """

    id: str
    item_id: str
    remote_id: str | None = None
    uid: str | None = None
    key: str | None = None
    generation: int = 0
    made_by: MadeBy = MadeBy.US
    state: LinkState = LinkState.PENDING
    reason: str | None = None
    since: datetime | None = None
    sent: Content = EMPTY
    shown: Content = EMPTY
    seen_version: str | None = None
    native: bytes | None = field(default=None, repr=False)
    level: Level = Level.FULL
    editable: Editable = ALL_EDITABLE
    organised_here: bool = True
    web_link: str | None = None
    owed: frozenset[Unit] = frozenset()
    withheld: frozenset[Unit] = frozenset()
    gone_at: datetime | None = None
    gone_sure: bool = False
    work: bool = False
    ranged: bool = False
    reread: bool = False
    parked: str | None = None
    consent: bool = False
    guests: bool = False
    old_uids: frozenset[str] = frozenset()
    undone: tuple[tuple[str, datetime], ...] = ()
    retry_at: datetime | None = None
    tries: int = 0
    synced_version: int = 0

    @property
    def must_be_read(self) -> bool:
        """Whether its event must be read before it is decided."""
        return self.reread and self.remote_id is not None

    @property
    def waits(self) -> bool:
        """Whether its deletion waits for somebody's word (D8)."""
        return self.state is LinkState.PENDING_DELETE and self.reason == "confirmation_needed"

    @property
    def holds_item(self) -> bool:
        """Whether its item is paired here, or kept from being paired again (B4)."""
        if self.state is LinkState.CLOSED:
            return self.parked is None
        return self.remote_id is not None

    @property
    def live(self) -> bool:
        """Whether an event belongs to it that syncing follows."""
        return self.remote_id is not None and self.state not in {
            LinkState.CLOSED,
            LinkState.WITHDRAWN,
            LinkState.DETACHED,
        }


STOOD_ASIDE = frozenset({KnownState.AMBIGUOUS, KnownState.ALREADY_HERE, KnownState.MANAGED_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Known:
    """What is listed but not linked.

    ``version``: as it was last read, or listed by a baseline. ``match``: the keyed fingerprint of time and title, once
    the body was read. ``recheck``: it must be read and decided again, after ``retry_at`` where it gave no answer
    ``tries`` times; ``ranged``: a range run asked for it and got no answer, so it is copied if it lies in this range.
    """

    remote_id: str
    version: str | None = None
    uid: str | None = None
    marker: str | None = None
    match: str | None = None
    first_start: datetime | None = None
    last_end: datetime | None = None
    state: KnownState = KnownState.KNOWN
    code: str | None = None
    indexed: bool = False
    recheck: bool = False
    ranged: Window | None = None
    retry_at: datetime | None = None
    tries: int = 0

    @property
    def ignored(self) -> bool:
        """Whether somebody decided to leave it alone."""
        return self.code == "ignored"

    @property
    def adoptable(self) -> bool:
        """Whether an item may be paired with it (D9)."""
        return self.state in {KnownState.KNOWN, KnownState.AMBIGUOUS} and not self.ignored

    @property
    def stood_aside(self) -> bool:
        """Whether it has no item because of something else, which may end (D10)."""
        return self.state in STOOD_ASIDE

    def again(self) -> Known:
        """The row, to be decided again as soon as may be."""
        return replace(self, recheck=True, retry_at=None, tries=0)


@dataclass(frozen=True, slots=True)
class Intent:
    """A stored write step, made before the call (D4). ``target`` is the whole intended content."""

    id: str
    link_id: str
    op: Op
    remote_id: str | None = None
    uid: str | None = None
    key: str | None = None
    generation: int = 0
    version: str | None = None
    target: Content = EMPTY
    units: Mapping[Unit, Value] = field(default_factory=dict)
    rekeyed: Mapping[str, str | None] = field(default_factory=dict)
    redact: bool = False
    created_at: datetime | None = None
    purpose: str = "sync"


class Direction(enum.StrEnum):
    """Which way something flowed."""

    RETRIEVE = "retrieve"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a run's log. ``changes``: unit text -> (before, after), empty where privacy hides values."""

    at: datetime
    action: str
    direction: Direction
    item_id: str | None = None
    link_id: str | None = None
    remote_id: str | None = None
    code: str | None = None
    title: str | None = None
    changes: Mapping[str, tuple[object, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Integration:
    """The part of an integration that a run reads and moves.

    ``cursor``/``checkpoint``: place at the service; ``mark``: the highest item seq taken over; ``baselined``: the
    first full index was made; ``projected``: fingerprint of the options all links were last projected under;
    ``confirmed_*_until``: deletions of that direction may go on until then (D8).
    """

    id: str
    tenant_id: str
    user_id: str
    calendar_id: str
    options: Options = field(default_factory=Options)
    time_zone: str = "UTC"
    active: bool = True
    cursor: str | None = None
    checkpoint: str | None = None
    mark: int = 0
    baselined: bool = False
    projected: str | None = None
    leave_confirmed: bool = False
    compared_at: datetime | None = None
    confirmed_retrieve_until: datetime | None = None
    confirmed_send_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Which kinds of work an integration's rows have.

    ``to_do``: links with work that may be done now; ``to_recheck``: known rows that must be decided now; ``gone``:
    links with evidence of a remote deletion; ``waiting``: links that wait for somebody's word.
    """

    to_do: bool
    to_recheck: bool
    gone: bool
    waiting: bool

    @property
    def settled(self) -> bool:
        """Whether nothing is to be read again, decided again or removed."""
        return not (self.to_do or self.to_recheck or self.gone)


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose stable key a marker is."""

    integration_id: str
    item_id: str
    live: bool
    same_user: bool
