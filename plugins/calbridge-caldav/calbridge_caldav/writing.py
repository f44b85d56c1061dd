"""A batch of writes: some in flight at once, then one read of what the server made of them all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from calbridge.connectors.contract import Answer, Create, Delete, Done, Failed, Result, Update, Write
from calbridge.connectors.ical import Readable, digest, read
from calbridge.domain.content import Content, Field
from calbridge.errors import AddressRefused, ConnectorError, SignInRequired, Throttled, Unavailable
from calbridge_caldav.collection import Collection
from calbridge_caldav.fetch import Found, fetch_bodies
from calbridge_caldav.objects import Body, event_of, part_named
from calbridge_caldav.putting import Outcome, Terms, Written, put_answer, put_changes, put_new, take_away
from calbridge_caldav.quirks import look_before_writing

_STOPPING = (SignInRequired, Throttled, AddressRefused)
"""After one of these the rest of a batch is not sent at all."""


def write_all(
    collection: Collection, writes: Sequence[Write | Answer], terms: Terms, *, parallel: int, fetch_batch: int
) -> list[Result]:
    """One result per write, in order; None where nobody knows whether it happened."""
    outcomes = _send_all(collection, writes, terms, parallel)
    written = [outcome for outcome in outcomes if isinstance(outcome, Written)]
    if not written:
        return [outcome for outcome in outcomes if not isinstance(outcome, Written)]
    try:
        held: Found | None = fetch_bodies(collection, [one.remote_id.path for one in written], size=fetch_batch)
    except ConnectorError:
        held = None
    return [
        (None if held is None else _settled(outcome, held, terms)) if isinstance(outcome, Written) else outcome
        for outcome in outcomes
    ]


def _send_all(
    collection: Collection, writes: Sequence[Write | Answer], terms: Terms, parallel: int
) -> list[Outcome | None]:
    sender = _Sender(collection, terms)
    if parallel < 2 or len(writes) < 2:
        return [sender.send(write) for write in writes]
    with ThreadPoolExecutor(min(parallel, len(writes)), thread_name_prefix="calbridge-caldav") as pool:
        return list(pool.map(sender.send, writes))


class _Sender:
    """Sends writes one by one, from any thread, until the account as a whole is refused."""

    def __init__(self, collection: Collection, terms: Terms) -> None:
        self._collection = collection
        self._terms = terms
        self._stopped: ConnectorError | None = None
        self._lock = threading.Lock()

    def send(self, write: Write | Answer) -> Outcome | None:
        """None: the request may have arrived and there was no answer."""
        with self._lock:
            if self._stopped is not None:
                return Failed(self._stopped)
        try:
            return self._sent(write)
        except _STOPPING as error:
            with self._lock:
                self._stopped = error
            return Failed(error)
        except Unavailable as error:
            return None if error.facts.get("sent") is True and "status" not in error.facts else Failed(error)
        except ConnectorError as error:
            return Failed(error)

    def _sent(self, write: Write | Answer) -> Outcome:
        match write:
            case Create():
                return put_new(self._collection, write, self._terms)
            case Update():
                return put_changes(self._collection, write, self._terms)
            case Delete():
                return take_away(self._collection, write, self._terms)
            case Answer():
                return put_answer(self._collection, write, self._terms)


def _settled(written: Written, held: Found, terms: Terms) -> Result:
    """What the server holds after a write it took.

    Gone again or unreadable: the write happened all the same, so its own bytes are told, and whatever came after it is
    the next delta's business.
    """
    body = held.get(written.remote_id.path)
    if isinstance(body, Body):
        part = part_named(read(body.data, own_addresses=terms.own_addresses), written.remote_id)
        if part is not None and part.uid == written.uid:
            exact = _is_own_state(written, body)
            return Done(written.remote_id.text, body.etag, event_of(part), body.data, written.conditional, exact)
    part = part_named(read(written.sent, own_addresses=terms.own_addresses), written.remote_id)
    if part is None:
        return None
    return Done(written.remote_id.text, written.etag, event_of(part), written.sent, written.conditional)


def _is_own_state(written: Written, body: Body) -> bool:
    """Whether this very write left these bytes: by the ETag it was answered, else by what they mean."""
    trusted = not look_before_writing(written.etag)
    if trusted and body.etag == written.etag:
        return True
    if digest(body.data) == digest(written.sent):
        return True
    return not trusted and _same_content(written, body)


def _same_content(written: Written, body: Body) -> bool:
    """Whether a rewritten body still says what was sent, in everything the model knows."""
    sent, held = (part_named(read(data), written.remote_id) for data in (written.sent, body.data))
    return sent is not None and held is not None and _said(sent).same(_said(held))


def _said(part: Readable) -> Content:
    """PUBLIC is what a missing CLASS means (RFC 5545 section 3.8.1.3), and SOGo writes it out."""
    units = part.event.content.units
    return Content({unit: value for unit, value in units.items() if (unit[1], value) != (Field.VISIBILITY, "public")})
