"""My Calendar through the API: items put, patched, listed and deleted (SYNC E1, A5, A2, D8)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from calbridge.domain.content import NO_EDIT_FIELDS, Field, Span, differing
from calbridge.domain.item import Item, ItemType
from calbridge.domain.recurrence import occurrences
from calbridge.errors import Refused, Rejected
from calbridge.log import get_logger
from calbridge.service import item_json
from calbridge.service.item_json import Shown
from calbridge.service.item_out import editable, occurrence
from calbridge.service.parts import Parts
from calbridge.service.run_views import log_view
from calbridge.service.values import Body, choice, identifier, invalid, mapping
from calbridge.service.views import LogView
from calbridge.store.items import ItemFilter
from calbridge.store.journal import LogFilter
from calbridge.store.queries_deletes import refuse_many_deletes
from calbridge.store.work import Work

EXTERNAL = "ext:"
LONGEST_EXPANSION = timedelta(days=370)
MOST_OCCURRENCES = 10_000
EXPANSION_SECONDS = 10.0
PAGE = 500

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    item: Item | None
    external_id: str | None


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
    """Create (with ``ext:...`` only) or change an item: what is absent is kept, null clears.

    A write without change of meaning alters nothing. Raises Refused (``user_not_found``, ``item_not_found``,
    ``already_exists``, ``organised_elsewhere``, ``text_hidden`` and the codes of :mod:`.item_json`), ItemChanged.
    """
    with parts.database.write(tenant) as work:
        work.users.require(user_id)
        found = _find(work, user_id, item_id)
        if found.external_id is not None:
            body = _of_external(body, found.external_id)
        if found.item is None and found.external_id is None:
            raise Refused(code="item_not_found", item=item_id)
        if create_only and found.item is not None and not found.item.deleted:
            raise Refused(code="already_exists", item=found.item.id)
        if found.item is None:
            stored = work.items.add(item_json.applied_new(work.keys.new_id(), user_id, body), parts.actor.source)
        elif found.item.deleted:
            stored = _revived(parts, work, found, body, user_id)
        else:
            stored = _changed(parts, work, found.item, body, if_version)
    return _answer(parts, tenant, user_id, stored.id, work)


def add_item(parts: Parts, tenant: str, user_id: str, body: Body) -> dict[str, Any]:
    """A new item under an id of ours. Raises Refused as :func:`put_item`."""
    with parts.database.write(tenant) as work:
        work.users.require(user_id)
        stored = work.items.add(item_json.applied_new(work.keys.new_id(), user_id, body), parts.actor.source)
    return _answer(parts, tenant, user_id, stored.id, work)


def patch_item(
    parts: Parts, tenant: str, user_id: str, item_id: str, patch: object, *, if_version: int | None = None
) -> dict[str, Any]:
    """Change what a patch (RFC 7396) names. Raises Refused and ItemChanged as :func:`put_item`."""
    with parts.database.write(tenant) as work:
        item = _living(work, user_id, item_id)
        stored = _changed(parts, work, item, item_json.patched(item_json.shown(item), patch), if_version)
    return _answer(parts, tenant, user_id, stored.id, work)


def _of_external(body: Body, external_id: str) -> dict[str, Any]:
    given = dict(mapping(body, "", item_json.KNOWN))
    if given.get("external_id", external_id) != external_id:
        raise invalid("external_id", "differs from the address")
    return given | {"external_id": external_id}


def _revived(parts: Parts, work: Work, found: _Found, body: Body, user_id: str) -> Item:
    """A deleted record that the PSA makes again keeps its id and its links, and none of its old content."""
    assert found.item is not None
    fresh = item_json.applied_new(found.item.id, user_id, body)
    return work.items.put(replace(fresh, version=found.item.version, seq=found.item.seq), parts.actor.source)


def _changed(parts: Parts, work: Work, item: Item, body: Body, if_version: int | None) -> Item:
    after = item_json.applied(item, body)
    links = _links(work, item)
    _refuse_foreign(item, after, links)
    return work.items.put(after, parts.actor.source, item.version if if_version is None else if_version)


def _refuse_foreign(before: Item, after: Item, links: list[Shown]) -> None:
    """A5: what the service would refuse is refused here."""
    allowed = editable(links)
    for unit in sorted(differing(before.content, after.content)):
        name = unit[1]
        if name is Field.REMINDERS:
            continue
        if name in {Field.TIME, Field.EXISTS}:
            fits = allowed.time
        elif name is Field.PEOPLE:
            fits = allowed.people
        else:
            fits = allowed.details or name in NO_EDIT_FIELDS
        if not fits:
            raise Refused(code="organised_elsewhere", item=before.id, field=name.value)


def get_item(parts: Parts, tenant: str, user_id: str, item_id: str) -> dict[str, Any]:
    """One item with its links. Raises Refused (``item_not_found``)."""
    with parts.database.read(tenant) as work:
        item = _living(work, user_id, item_id)
        return item_json.shown(item, _links(work, item))


def list_items(
    parts: Parts,
    tenant: str,
    user_id: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    type: str | None = None,
    expand: bool = False,
    limit: int = 1000,
    after: str | None = None,
) -> list[dict[str, Any]]:
    """Items that touch the half-open window, in the order of their ids after ``after``; or their occurrences by time.

    ``expand`` needs both ends, at most 370 days apart, and answers at most 10,000 occurrences. Raises Refused
    (``user_not_found``, ``invalid_value``, ``recurrence_too_large``).
    """
    types = None if type is None else frozenset({ItemType(choice(type, "type", [each.value for each in ItemType]))})
    chosen = ItemFilter(types, start, end)
    with parts.database.read(tenant) as work:
        work.users.require(user_id)
        if expand:
            return _expanded(work, user_id, chosen)
        rows = work.items.list(user_id, chosen, after, limit)
        linked = _links_of(work, rows)
        return [item_json.shown(item, linked.get(item.id, ())) for item in rows]


def _expanded(work: Work, user_id: str, chosen: ItemFilter) -> list[dict[str, Any]]:
    start, end = chosen.start, chosen.end
    if start is None or end is None:
        raise invalid("expand", "needs from and to")
    if not timedelta(0) < end - start <= LONGEST_EXPANSION:
        raise invalid("to", f"must lie at most {LONGEST_EXPANSION.days} days after from")
    found: list[tuple[datetime, str, dict[str, Any]]] = []
    stop = time.monotonic() + EXPANSION_SECONDS
    place: str | None = None
    while page := work.items.list(user_id, chosen, place, PAGE):
        place = page[-1].id
        linked = _links_of(work, page)
        for item in page:
            links = linked.get(item.id, ())
            for key, span in _occurrences(item, start, end):
                found.append((span.start.instant(), item.id, occurrence(item, key, span, links)))
                if len(found) > MOST_OCCURRENCES or time.monotonic() > stop:
                    raise Refused("ask for a shorter range", code="recurrence_too_large")
    return [shown for _, _, shown in sorted(found, key=lambda row: row[:2])]


def _occurrences(item: Item, start: datetime, end: datetime) -> list[tuple[str, Span]]:
    """The occurrences of an item in the window; a series that can't be expanded shows its first one alone."""
    content = item.calendar_content(30)
    try:
        return list(occurrences(content, start, end))
    except (Rejected, ValueError, OverflowError) as error:
        log.warning("not_expanded", item=item.id, error=type(error).__name__)
        span = content.span
        return [] if span is None or not start <= span.start.instant() < end else [("", span)]


def delete_item(
    parts: Parts, tenant: str, user_id: str, item_id: str, *, if_version: int | None = None
) -> dict[str, Any]:
    """Delete an item; its last state is answered.

    Raises Refused (``item_not_found``, ``organised_elsewhere``, ``confirmation_needed``: the tenant deletes unusually
    much, D8), ItemChanged.
    """
    with parts.database.write(tenant) as work:
        item = _living(work, user_id, item_id)
        links = _links(work, item)
        if not editable(links).existence:
            raise Refused(code="organised_elsewhere", item=item.id)
        if links:
            refuse_many_deletes(work)
        stored = work.items.delete(user_id, item.id, parts.actor.source, if_version)
        shown = item_json.shown(stored, links)
    parts.dispatch(tenant, work)
    return shown


def confirm_deletes(parts: Parts, tenant: str) -> None:
    """An administrator's word for unusually many deletions of the tenant; good for 24 hours (D8)."""
    with parts.database.write(tenant) as work:
        settings = dict(work.settings.get().settings)
        settings["deletes_confirmed_until"] = (work.now + timedelta(hours=24)).isoformat()
        work.settings.save(settings=settings)
        work.audit.add(str(parts.actor), "deletes_confirmed")


def item_history(parts: Parts, tenant: str, user_id: str, item_id: str) -> list[LogView]:
    """What syncing did with an item, over all integrations, the newest first. Raises Refused (``item_not_found``)."""
    with parts.database.read(tenant) as work:
        found = _find(work, user_id, item_id).item
        if found is None:
            raise Refused(code="item_not_found", item=item_id)
        return [log_view(line) for line in work.logs.list(LogFilter(item_id=found.id), limit=1000)]


def _find(work: Work, user_id: str, item_id: str) -> _Found:
    if item_id.startswith(EXTERNAL):
        external_id = identifier(item_id[len(EXTERNAL) :], "item_id")
        return _Found(work.items.by_external_id(user_id, external_id), external_id)
    return _Found(work.items.get(user_id, identifier(item_id, "item_id")), None)


def _living(work: Work, user_id: str, item_id: str) -> Item:
    work.users.require(user_id)
    item = _find(work, user_id, item_id).item
    if item is None or item.deleted:
        raise Refused(code="item_not_found", item=item_id)
    return item


def _links(work: Work, item: Item) -> list[Shown]:
    return _links_of(work, [item]).get(item.id, [])


def _links_of(work: Work, items: Sequence[Item]) -> dict[str, list[Shown]]:
    found = work.memories.links_of_items([item.id for item in items])
    return {item_id: [Shown(*each) for each in links] for item_id, links in found.items()}


def _answer(parts: Parts, tenant: str, user_id: str, item_id: str, stored: Work) -> dict[str, Any]:
    parts.dispatch(tenant, stored)
    return get_item(parts, tenant, user_id, item_id)
