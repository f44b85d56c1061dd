"""Changes as the feed and webhooks tell them (SYNC E3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calbridge.domain.item import Item
from calbridge.service.item_out import Shown, shown
from calbridge.service.views import rfc3339
from calbridge.store.changes import Change
from calbridge.store.work import Work


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change. ``op``: create, update, delete, or kept: a deletion elsewhere that was not followed (E4).

    ``item`` is the item as it is now, perhaps later than ``version``, which this change made; None where it was
    deleted meanwhile, which ``tombstone`` {id, user_id, external_id, record_id, version, deleted_at} tells.
    ``source``: ``door`` (api, page, cli, sync), and ``key``, ``integration``, ``run`` where there is one.
    """

    seq: int
    op: str
    user_id: str
    item_id: str
    version: int
    item: Mapping[str, Any] | None
    tombstone: Mapping[str, Any] | None
    changed_fields: tuple[str, ...]
    source: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of the feed; ``next_cursor`` goes on after it, also after an empty one."""

    data: tuple[ChangeView, ...]
    next_cursor: str


def change_views(work: Work, changes: Sequence[Change]) -> list[ChangeView]:
    """Changes with the items as they are in this unit of work."""
    items = work.items.of_anyone(sorted({change.item_id for change in changes}))
    links = work.memories.links_of_items([item.id for item in items.values() if not item.deleted])
    told = {item.id: shown(item, [Shown(*each) for each in links.get(item.id, ())]) for item in items.values()}
    return [_view(change, items.get(change.item_id), told.get(change.item_id)) for change in changes]


def _view(change: Change, item: Item | None, told: Mapping[str, Any] | None) -> ChangeView:
    living = item is not None and not item.deleted
    return ChangeView(
        change.seq,
        change.op,
        change.user_id,
        change.item_id,
        change.version,
        told if living else None,
        None if living else _tombstone(change, item),
        change.changed_fields,
        change.source,
        change.at,
    )


def _tombstone(change: Change, item: Item | None) -> dict[str, Any]:
    """What a reader needs to find its own record; an item that was forgotten altogether has only its ids."""
    return {
        "id": change.item_id,
        "user_id": change.user_id,
        "external_id": item.external_id if item else None,
        "record_id": item.record_id if item else None,
        "version": item.version if item else change.version,
        "deleted_at": rfc3339(item.deleted_at) if item else None,
    }
