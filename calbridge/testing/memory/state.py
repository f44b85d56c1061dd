"""The memory service's state: plain data that outlives any client."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from calbridge.domain.content import EMPTY, Content


@dataclass
class Stored:
    """One event as the service holds it. ``extra`` are properties that calbridge does not know."""

    remote_id: str
    uid: str
    content: Content = EMPTY
    marker: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    created: int = 0
    number: int = 0
    version: str = ""
    modified_at: datetime | None = None
    readable: bool = True
    raw: Content | None = None
    """As written, until the service gets round to rewriting it."""


@dataclass
class Change:
    """Something happened at an address. ``delayed``: the next delta does not tell it yet."""

    seq: int
    remote_id: str
    delayed: bool = False


@dataclass
class CalendarState:
    """One calendar."""

    id: str
    name: str
    time_zone: str = "Europe/Vienna"
    events: dict[str, Stored] = field(default_factory=dict)
    bin: dict[str, Stored] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    views: dict[int, list[str]] = field(default_factory=dict)
    """By token: which addresses a windowed listing showed."""
    present: bool = True
    lies: int = 0
    empty_listings: int = 0


@dataclass
class Mail:
    """A mail that the service sent because of a write."""

    act: str
    remote_id: str
    to: tuple[str, ...]


@dataclass
class Subscribed:
    """A push subscription."""

    id: str
    calendar: str
    address: str
    token: str
    expires_at: datetime


@dataclass
class Pushed:
    """A notice that is under way."""

    address: str
    headers: dict[str, str]


@dataclass
class State:
    """All of it. ``epoch`` is part of every cursor."""

    calendars: dict[str, CalendarState] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    counter: int = 0
    epoch: int = 1
    numbering: int = 1
    now: datetime = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
    refused_sign_in: bool | None = None
    """True: the secret is refused for certain; False: perhaps; None: accepted."""
    read_only: bool = False
    subscriptions: dict[str, Subscribed] = field(default_factory=dict)
    subscription_ids: set[str] = field(default_factory=set)
    """All that were ever used."""
    pushed: list[Pushed] = field(default_factory=list)
