"""Many writes of items in one call, each with its own outcome (DESIGN: REST API, item batches)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from calbridge.domain.item import Item
from calbridge.errors import ItemChanged, Refused
from calbridge.service import item_writes
from calbridge.service.item_writes import Target, Written
from calbridge.service.items import links_of
from calbridge.service.parts import Parts
from calbridge.service.values import Body, choice, identifier, invalid, listed, mapping, number
from calbridge.store.queries_deletes import deletes_left
from calbridge.store.work import Work

MOST = 500
CHUNK = 100
"""Writes of one unit of work, which others wait for on SQLite."""
OPS = ("put", "patch", "delete")
NAMES = frozenset({"user_id", "op", "external_id", "if_version", "item"})
LAST_VERSION = 2**53


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of one write. ``status``: created, updated, unchanged, deleted, or failed with ``code``, and ``field``
    and ``detail`` where there is more to say. ``item_id`` and ``version`` where the item is there."""

    status: str
    user_id: str | None = None
    external_id: str | None = None
    item_id: str | None = None
    version: int | None = None
    code: str | None = None
    field: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    place: int
    user_id: str
    op: str
    external_id: str
    if_version: int | None
    item: Any


def write_items(parts: Parts, tenant: str, entries: object, *, only_user: str | None = None) -> list[BatchResult]:
    """Up to 500 of ``{user_id, op: put | patch | delete, external_id, if_version?, item?}``, in their order within each
    user; a result each. One that can't be done fails alone. ``only_user``: nobody else's items are there to be found.

    Raises Refused (``invalid_value``, ``too_large``: no list, or too long); StoreError, after which some may be done.
    """
    rows = listed(entries, "operations", MOST)
    results: dict[int, BatchResult] = {}
    by_user: dict[str, list[_Entry]] = {}
    for place, each in enumerate(rows):
        try:
            entry = _read(place, each)
        except Refused as refused:
            results[place] = _failed(refused, *_names(each))
            continue
        by_user.setdefault(entry.user_id, []).append(entry)
    for user_id, wanted in by_user.items():
        if only_user is not None and user_id != only_user:
            results |= {each.place: _refusal(each, Refused(code="user_not_found")) for each in wanted}
            continue
        for start in range(0, len(wanted), CHUNK):
            results |= _carry_out(parts, tenant, user_id, wanted[start : start + CHUNK])
    return [results[place] for place in range(len(rows))]


def _read(place: int, value: object) -> _Entry:
    body = mapping(value, "", NAMES)
    op = choice(body.get("op"), "op", OPS)
    if op == "delete" and body.get("item") is not None:
        raise invalid("item", "a deletion has none")
    version = body.get("if_version")
    return _Entry(
        place,
        identifier(body.get("user_id"), "user_id"),
        op,
        identifier(body.get("external_id"), "external_id"),
        None if version is None else number(version, "if_version", 1, LAST_VERSION),
        body.get("item"),
    )


def _carry_out(parts: Parts, tenant: str, user_id: str, wanted: Sequence[_Entry]) -> dict[int, BatchResult]:
    with parts.database.write(tenant) as work:
        if work.users.get(user_id) is None:
            return {each.place: _refusal(each, Refused(code="user_not_found")) for each in wanted}
        results = dict(_in_one(parts, work, user_id, wanted))
    parts.dispatch(tenant, work)
    return results


def _in_one(parts: Parts, work: Work, user_id: str, wanted: Sequence[_Entry]) -> Iterator[tuple[int, BatchResult]]:
    """The writes of one user within one unit of work. Items are locked in one order, whatever order they are named in,
    so that two batches never wait for each other."""
    found = work.items.by_external_ids(user_id, {each.external_id for each in wanted})
    links = links_of(work, list(found.values()))
    deletes = _Deletes(deletes_left(work, sum(1 for each in wanted if each.op == "delete")))
    for each in wanted:
        item = found.get(each.external_id)
        target = Target(user_id, item, links.get(item.id, []) if item else [], each.external_id)
        try:
            # A refused write may have failed inside the database, which then wants what it did undone.
            with work.alone():
                written = _write(parts, work, target, each, deletes)
        except (Refused, ItemChanged) as refused:
            yield each.place, _refusal(each, refused, item)
            continue
        found.pop(each.external_id, None)
        if written.item.external_id is not None:
            found[written.item.external_id] = written.item
        yield each.place, _done(each, written)


@dataclass(slots=True)
class _Deletes:
    """How many more the tenant may delete without somebody's word (SYNC D8)."""

    left: int

    def check(self) -> None:
        if self.left <= 0:
            raise Refused(code="confirmation_needed")


def _write(parts: Parts, work: Work, target: Target, each: _Entry, deletes: _Deletes) -> Written:
    source = parts.actor.source
    if each.op == "put":
        return item_writes.put(work, target, _item(each), source, if_version=each.if_version)
    if each.op == "patch":
        return item_writes.patch(work, target, _item(each), source, if_version=each.if_version)
    written = item_writes.delete(work, target, source, deletes.check, if_version=each.if_version)
    deletes.left -= 1
    return written


def _item(each: _Entry) -> Body:
    if not isinstance(each.item, Mapping):
        raise invalid("item", "must be an object")
    return each.item


def _done(each: _Entry, written: Written) -> BatchResult:
    return BatchResult(written.outcome.value, each.user_id, each.external_id, written.item.id, written.item.version)


def _refusal(each: _Entry, refused: Refused | ItemChanged, item: Item | None = None) -> BatchResult:
    failed = _failed(refused, each.user_id, each.external_id)
    if item is None or item.deleted:
        return failed
    return replace(failed, item_id=item.id, version=item.version)


def _failed(refused: Refused | ItemChanged, user_id: str | None, external_id: str | None) -> BatchResult:
    field = refused.facts.get("field")
    return BatchResult(
        "failed",
        user_id,
        external_id,
        code=refused.code,
        field=None if field is None else str(field),
        detail=refused.detail or None,
    )


def _names(value: object) -> tuple[str | None, str | None]:
    """What a write that can't be read says of itself, as far as that is usable."""
    body = value if isinstance(value, Mapping) else {}
    names = [body.get(name) for name in ("user_id", "external_id")]
    told = [name if isinstance(name, str) and len(name) <= 200 else None for name in names]
    return told[0], told[1]
