"""Rows of the sync memory as values, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from calbridge.domain.content import Content, Field, Span
from calbridge.domain.item import Item, ItemType
from calbridge.domain.options import Level
from calbridge.domain.recurrence import last_end
from calbridge.store import codec
from calbridge.store.columns import EPOCH, digest
from calbridge.sync.memory import Intent, Known, KnownState, Link, LinkState, MadeBy, Op
from calbridge.sync.ports import Keys

AnyRow = Row[Any]
DEFAULT_MINUTES = 30
"""Length of the block of a task with a due time, for fingerprints and ranges."""
_LINK_SAME = (
    "id", "item_id", "remote_id", "uid", "key", "generation", "reason", "since", "seen_version", "native",
    "organised_here", "web_link", "gone_at", "gone_sure", "work", "ranged", "reread", "consent", "guests", "parked",
    "retry_at", "tries", "synced_version",
)  # fmt: skip
_KNOWN_SAME = (
    "remote_id", "version", "uid", "marker", "match", "first_start", "last_end", "code", "indexed", "recheck",
    "tries",
)  # fmt: skip
_INTENT_SAME = (
    "id", "link_id", "remote_id", "uid", "key", "generation", "version", "redact", "created_at", "purpose",
)  # fmt: skip
_ITEM_SAME = (
    "id", "user_id", "external_id", "record_id", "completed_at", "hidden", "origin", "ical_uid", "deleted_at",
    "version", "seq", "created_at", "updated_at",
)  # fmt: skip


def _picker(names: tuple[str, ...]) -> Callable[[Any], dict[str, Any]]:
    """What picks the values of these names."""
    take = attrgetter(*names)
    return lambda found: dict(zip(names, take(found), strict=True))


_same_of_link, _same_of_known = _picker(_LINK_SAME), _picker(_KNOWN_SAME)
_same_of_intent, _same_of_item = _picker(_INTENT_SAME), _picker(_ITEM_SAME)


def _hash(text: str | None) -> str | None:
    return digest(text) if text else None


def link_out(link: Link) -> dict[str, Any]:
    """A link's columns, without tenant, integration and age."""
    return _same_of_link(link) | {
        "remote_hash": _hash(link.remote_id),
        "uid_hash": _hash(link.uid),
        "made_by": link.made_by.value,
        "state": link.state.value,
        "sent": codec.content_out(link.sent),
        "shown": codec.content_out(link.shown),
        "level": link.level.value,
        "editable": codec.editable_out(link.editable),
        "owed": codec.unit_set_out(link.owed) or None,
        "withheld": codec.unit_set_out(link.withheld) or None,
        "old_uids": sorted(link.old_uids) or None,
        "undone": codec.undone_out(link.undone) or None,
        "live": link.live,
    }


def link_in(row: AnyRow) -> Link:
    """A link of its row."""
    return Link(
        **_same_of_link(row),
        made_by=MadeBy(row.made_by),
        state=LinkState(row.state),
        sent=codec.content_in(row.sent),
        shown=codec.content_in(row.shown),
        level=Level(row.level),
        editable=codec.editable_in(row.editable),
        owed=codec.unit_set_in(row.owed),
        withheld=codec.unit_set_in(row.withheld),
        old_uids=frozenset(row.old_uids or ()),
        undone=codec.undone_in(row.undone),
    )


def known_out(known: Known) -> dict[str, Any]:
    """A known row's columns, without tenant and integration."""
    return _same_of_known(known) | {
        "remote_hash": digest(known.remote_id),
        "uid_hash": _hash(known.uid),
        "marker_hash": _hash(known.marker),
        "state": known.state.value,
        "ranged": None if known.ranged is None else codec.window_out(known.ranged),
        # Never empty: the index of what is to be decided goes by it.
        "retry_at": known.retry_at or EPOCH,
    }


def known_in(row: AnyRow) -> Known:
    """A known row of its row."""
    ranged = None if row.ranged is None else codec.window_in(row.ranged)
    retry_at = row.retry_at if row.retry_at > EPOCH else None
    return Known(**_same_of_known(row), state=KnownState(row.state), ranged=ranged, retry_at=retry_at)


def intent_out(intent: Intent) -> dict[str, Any]:
    """An intent's columns, without tenant, integration and age."""
    return _same_of_intent(intent) | {
        "op": intent.op.value,
        "target": codec.content_out(intent.target),
        "units": codec.units_out(intent.units),
        "rekeyed": dict(intent.rekeyed),
    }


def intent_in(row: AnyRow) -> Intent:
    """An intent of its row."""
    return Intent(
        **_same_of_intent(row),
        op=Op(row.op),
        target=codec.content_in(row.target),
        units=codec.units_in(row.units),
        rekeyed=row.rekeyed,
    )


def item_out(item: Item, keys: Keys, default_minutes: int = DEFAULT_MINUTES) -> dict[str, Any]:
    """An item's columns, without tenant."""
    shown = item.calendar_content(default_minutes)
    return _same_of_item(item) | {
        "type": item.type.value,
        "content": codec.content_out(item.content),
        "due": None if item.due is None else codec.when_out(item.due),
        "associations": [dict(each) for each in item.associations],
        "ical_hash": _hash(item.ical_uid),
        "external_hash": _hash(item.external_id),
        "match": keys.match(shown),
        "locked": sorted(item.locked),
        "first_start": shown.span.start.instant() if shown.span else None,
        "last_end": _last_end(shown),
    }


def _last_end(content: Content) -> datetime | None:
    """When all of it is over, moved occurrences too; None where nothing bounds it."""
    end = last_end(content)
    if end is None:
        return None
    spans = (content.get((key, Field.TIME)) for key in content.keys)
    return max([end, *(span.end.instant() for span in spans if isinstance(span, Span))])


def item_in(row: AnyRow) -> Item:
    """An item of its row."""
    return Item(
        **_same_of_item(row),
        type=ItemType(row.type),
        content=codec.content_in(row.content),
        due=None if row.due is None else codec.when_in(row.due),
        associations=tuple(row.associations),
        locked=frozenset(row.locked),
    )
