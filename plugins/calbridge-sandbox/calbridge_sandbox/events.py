"""Single events of the fake service, kept as iCalendar text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from calbridge.connectors.contract import Place, Seen
from calbridge.connectors.ical import Readable, edit, read
from calbridge.domain.content import Unit, Value
from calbridge.domain.event import Event
from calbridge.errors import Rejected
from calbridge_sandbox.document import Stored


def address_of(username: str) -> str:
    """The mail address of an account's owner."""
    told = username.strip().lower()
    return told if "@" in told else f"{told}@sandbox.example"


def place_of(key: str) -> Place:
    """Where a create with this key lives."""
    digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Place(f"e-{digest}", f"{digest}@sandbox.example")


def event_of(stored: Stored, own: frozenset[str]) -> Event:
    """The event as the contract shows it."""
    event = _readable(stored.text, own).event
    modified = None if stored.modified is None else datetime.fromisoformat(stored.modified)
    return replace(event, modified_at=modified)


def check_readable(text: str) -> None:
    """What is stored can be read. Raises Rejected (``not_expressible``)."""
    _readable(text, frozenset())


def _readable(text: str, own: frozenset[str]) -> Readable:
    found = read(text.encode(), own_addresses=own)
    if len(found) != 1 or not isinstance(found[0], Readable):
        raise Rejected(code="not_expressible")
    return found[0]


def shown(remote_id: str, stored: Stored, own: frozenset[str]) -> Seen:
    """What lives at an address."""
    return Seen(remote_id, str(stored.number), stored.uid, event_of(stored, own), stored.text.encode())


def edited(
    stored: Stored,
    units: Mapping[Unit, Value],
    rekeyed: Mapping[str, str | None],
    own: frozenset[str],
    *,
    redact: bool = False,
) -> str:
    """The text with these units. Raises Rejected, VersionConflict."""
    body = edit(
        stored.text.encode(),
        uid=stored.uid,
        recurrence_id=None,
        units=units,
        rekeyed=rekeyed,
        redact=redact,
        now=now(),
        own_addresses=own,
    )
    return text_of(body)


def text_of(body: bytes) -> str:
    """A body as the document holds it. Raises Rejected: it is no UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Rejected(code="not_expressible") from error


def now() -> datetime:
    """The service's clock, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
