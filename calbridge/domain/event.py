"""An event of a linked calendar as a connector hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from calbridge.domain.content import EMPTY, Content


@dataclass(frozen=True, slots=True)
class Editable:
    """What the service lets this account change (A5)."""

    time: bool = True
    details: bool = True
    people: bool = True
    existence: bool = True
    response: bool = False


ALL_EDITABLE = Editable()
NOTHING_EDITABLE = Editable(time=False, details=False, people=False, existence=False)


@dataclass(frozen=True, slots=True)
class Event:
    """A whole event or series.

    ``marker`` is the stable key found on it, whoever wrote it (C4). ``modified_at`` is the service's modified time
    where that is meaningful. ``organised_here``: the account's owner is the organizer, so writing may mail guests.
    ``masked``: the service shows this account when it is and nothing else, so an empty text means nothing (A9).
    """

    uid: str
    content: Content = EMPTY
    marker: str | None = None
    editable: Editable = ALL_EDITABLE
    modified_at: datetime | None = None
    organised_here: bool = True
    web_link: str | None = None
    masked: bool = False
