"""My Calendar through the API: items put, patched, listed and deleted (SYNC E1, A5, A2, D8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from calbridge.domain.item import Item, ItemType
from calbridge.errors import Refused
from calbridge.service import item_json, item_writes
from calbridge.service.item_expansion import list_occurrences
from calbridge.service.item_json import Shown
from calbridge.service.item_windows import over_before
from calbridge.service.item_writes import Outcome, Target, Written
from calbridge.service.parts import Parts
from calbridge.service.run_views import log_view
from calbridge.service.values import Body, choice, identifier, invalid, mapping
from calbridge.service.views import LogView
from calbridge.store.items import ItemFilter
from calbridge.store.journal import LogFilter
from calbridge.store.queries_deletes import refuse_many_deletes
from calbridge.store.work import Work

EXTERNAL = "ext:"
TYPES = tuple(each.value for each in ItemType)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it is shown after a write, and whether the write created it."""

    item: dict[str, Any]
    created: bool


def put_item(
    parts: Parts,
    tenant: str,
    user_id: str,
    item_id: str,
    body: Body,
    *,
    if_version: int | None = None,
    create_only: bool = False,
) -> dict[str, Any]:
    """:func:`store_item`, for those who need not know whether it was there."""
    return store_item(parts, tenant, user_id, item_id, body, if_version=if_version, create_only=create_only).item


def store_item(
    parts: Parts,
    tenant: str,
    user_id: str,
    item_id: str,
    body: Body,
    *,
    if_version: int | None = None,
    create_only: bool = False,
    change_only: bool = False,
) -> StoredItem:
    """Create (with ``ext:...`` only) or change an item: what is absent is kept, null clears.

    A write without change of meaning alters nothing. Raises Refused (``user_not_found``, ``item_not_found``,
    ``already_exists``, ``precondition_failed``, ``organised_elsewhere``, ``text_hidden`` and the codes of
    :mod:`.item_json`), ItemChanged.
    """
    with parts.database.write(tenant) as work:
        target = _target(work, user_id, item_id)
        if target.living is None and target.external_id is None:
            raise _missing(work, user_id, item_id)
        if target.item is None:
            work.users.require(user_id)
        if change_only and target.living is None:
            raise Refused(code="precondition_failed")
        written = item_writes.put(
            work, target, body, parts.actor.source, if_version=if_version, create_only=create_only
        )
    return _stored(parts, work, target, written)


def add_item(parts: Parts, tenant: str, user_id: str, body: Body) -> dict[str, Any]:
    """A new item under an id of ours. Raises Refused as :func:`put_item`."""
    with parts.database.write(tenant) as work:
        work.users.require(user_id)
        target = Target(user_id)
        named = mapping(body, "", item_json.KNOWN).get("external_id")
        if isinstance(named, str):
            target = _target(work, user_id, EXTERNAL + identifier(named, "external_id"))
        if target.living is not None:
            raise Refused(code="already_exists", item=target.living.id)
        written = item_writes.create(work, target, body, parts.actor.source)
    return _stored(parts, work, target, written).item


def patch_item(
    parts: Parts, tenant: str, user_id: str, item_id: str, patch: object, *, if_version: int | None = None
) -> dict[str, Any]:
    """Change what a patch (RFC 7396) names. Raises Refused and ItemChanged as :func:`put_item`."""
    with parts.database.write(tenant) as work:
        target = _living_target(work, user_id, item_id)
        written = item_writes.patch(work, target, patch, parts.actor.source, if_version=if_version)
    return _stored(parts, work, target, written).item


def delete_item(
    parts: Parts, tenant: str, user_id: str, item_id: str, *, if_version: int | None = None
) -> dict[str, Any]:
    """Delete an item; its last state is answered.

    Raises Refused (``item_not_found``, ``organised_elsewhere``, ``confirmation_needed``: the tenant deletes unusually
    much, D8), ItemChanged.
    """
    with parts.database.write(tenant) as work:
        target = _living_target(work, user_id, item_id)
        guard = partial(refuse_many_deletes, work)
        written = item_writes.delete(work, target, parts.actor.source, guard, if_version=if_version)
    return _stored(parts, work, target, written).item


def get_item(parts: Parts, tenant: str, user_id: str, item_id: str) -> dict[str, Any]:
    """One item with its links. Raises Refused (``user_not_found``, ``item_not_found``)."""
    with parts.database.read(tenant) as work:
        target = _living_target(work, user_id, item_id, lock=False)
    assert target.item is not None
    return item_json.shown(target.item, target.links)


def list_items(
    parts: Parts,
    tenant: str,
    user_id: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    type: str | None = None,
    external_id: str | None = None,
    expand: bool = False,
    limit: int = 1000,
    after: str | None = None,
) -> list[dict[str, Any]]:
    """Items that touch the half-open window, in the order of their ids after ``after``.

    ``expand``: all their occurrences instead (:func:`.item_expansion.list_occurrences`). Raises Refused
    (``user_not_found``, ``invalid_value``, ``recurrence_too_large``).
    """
    chosen = chosen_by(start=start, end=end, type=type, external_id=external_id)
    if expand:
        return [row.item for row in list_occurrences(parts, tenant, user_id, chosen)]
    with parts.database.read(tenant) as work:
        rows = _touching(work, user_id, chosen, after, limit)
        linked = links_of(work, rows)
        if not rows:
            work.users.require(user_id)
    return [item_json.shown(item, linked.get(item.id, ())) for item in rows]


def _touching(work: Work, user_id: str, chosen: ItemFilter, after: str | None, limit: int) -> list[Item]:
    """Items of the list without series that had ended before the window."""
    found: list[Item] = []
    while page := work.items.list(user_id, chosen, after, limit - len(found)):
        after = page[-1].id
        found += [item for item in page if chosen.start is None or not over_before(item, chosen.start)]
        if len(found) == limit:
            break
    return found


def chosen_by(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    type: str | None = None,
    external_id: str | None = None,
) -> ItemFilter:
    """What a list shows. Raises Refused (``invalid_value``)."""
    types = None if type is None else frozenset({ItemType(choice(type, "type", TYPES))})
    if start is not None and end is not None and end < start:
        raise invalid("to", "lies before from")
    return ItemFilter(types, start, end, external_id=external_id)


def confirm_deletes(parts: Parts, tenant: str) -> datetime:
    """An administrator's word for unusually many deletions of the tenant; good for 24 hours (D8): until when.

    Raises Refused (``tenant_not_found``).
    """
    with parts.database.write(tenant) as work:
        work.settings.get(lock=True)
        until = work.now + timedelta(hours=24)
        work.settings.confirm_deletes(until)
        work.audit.add(str(parts.actor), "deletes_confirmed")
    return until


def item_history(
    parts: Parts, tenant: str, user_id: str, item_id: str, *, limit: int = 1000, before: int | None = None
) -> list[LogView]:
    """What syncing did with an item, over all integrations, the newest first, tombstones too.

    Raises Refused (``user_not_found``, ``item_not_found``).
    """
    with parts.database.read(tenant) as work:
        found = _found(work, user_id, item_id, lock=False)[0]
        if found is None:
            raise _missing(work, user_id, item_id)
        return [log_view(line) for line in work.logs.list(LogFilter(item_id=found.id), limit=limit, before=before)]


def links_of(work: Work, items: Sequence[Item]) -> dict[str, list[Shown]]:
    """The links of each item that has some."""
    found = work.memories.links_of_items([item.id for item in items])
    return {item_id: [Shown(*each) for each in links] for item_id, links in found.items()}


def _found(work: Work, user_id: str, item_id: str, *, lock: bool) -> tuple[Item | None, str | None]:
    """The item, a tombstone too, and the PSA's name of it where it was asked for by that."""
    if item_id.startswith(EXTERNAL):
        external_id = identifier(item_id[len(EXTERNAL) :], "item_id")
        return work.items.by_external_id(user_id, external_id, lock=lock), external_id
    return work.items.one(user_id, identifier(item_id, "item_id"), lock=lock), None


def _target(work: Work, user_id: str, item_id: str, *, lock: bool = True) -> Target:
    item, external_id = _found(work, user_id, item_id, lock=lock)
    links = [] if item is None else links_of(work, [item]).get(item.id, [])
    return Target(user_id, item, links, external_id)


def _living_target(work: Work, user_id: str, item_id: str, *, lock: bool = True) -> Target:
    target = _target(work, user_id, item_id, lock=lock)
    if target.living is None:
        raise _missing(work, user_id, item_id)
    return target


def _missing(work: Work, user_id: str, item_id: str) -> Refused:
    """The refusal where there is no such item; or raises ``user_not_found``."""
    work.users.require(user_id)
    return Refused(code="item_not_found", item=item_id)


def _stored(parts: Parts, work: Work, target: Target, written: Written) -> StoredItem:
    """After the commit: tell who has something to do. A write changes no link, so those that were read still hold."""
    parts.dispatch(work.tenant, work)
    return StoredItem(item_json.shown(written.item, target.links), written.outcome is Outcome.CREATED)
