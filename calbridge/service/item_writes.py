"""What a write does to one item inside a unit of work; :mod:`.items` and :mod:`.item_batches` share it (SYNC E1, A5).

All raise Refused (``already_exists``, ``precondition_failed``, ``organised_elsewhere``, ``text_hidden`` and the codes
of :mod:`.item_json`) and ItemChanged; a refused write has stored nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from calbridge.domain.content import NO_EDIT_FIELDS, Field, differing
from calbridge.domain.item import Item
from calbridge.errors import ItemChanged, Refused
from calbridge.service import item_json
from calbridge.service.item_json import Shown
from calbridge.service.item_out import editable
from calbridge.service.values import Body, invalid, mapping
from calbridge.store.changes import Source
from calbridge.store.work import Work


class Outcome(enum.StrEnum):
    """What a write came to."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Target:
    """The item that a write names, a tombstone too, locked, and its links; no item where there is none."""

    user_id: str
    item: Item | None = None
    links: Sequence[Shown] = ()
    external_id: str | None = None
    """The PSA's own name, where the write used it: only then a put may create."""

    @property
    def living(self) -> Item | None:
        """The item unless it is a tombstone."""
        return None if self.item is None or self.item.deleted else self.item


@dataclass(frozen=True, slots=True)
class Written:
    """The item as it now is."""

    item: Item
    outcome: Outcome


def put(
    work: Work, target: Target, body: Body, source: Source, *, if_version: int | None = None, create_only: bool = False
) -> Written:
    """Create or change: what is absent is kept, null clears. A write without change of meaning alters nothing."""
    if target.external_id is not None:
        body = of_external(body, target.external_id)
    if target.living is None:
        if target.external_id is None:
            raise Refused(code="item_not_found")
        if if_version is not None:
            raise Refused(code="precondition_failed")
        return create(work, target, body, source)
    if create_only:
        raise Refused(code="precondition_failed", item=target.living.id)
    return _change(work, target.living, target.links, body, source, if_version)


def create(work: Work, target: Target, body: Body, source: Source) -> Written:
    """A new item. A deleted record that the PSA makes again keeps its id and links, and none of its old content."""
    if target.item is None:
        fresh = item_json.applied_new(work.keys.new_id(), target.user_id, body)
        return Written(work.items.add(fresh, source), Outcome.CREATED)
    before = target.item
    fresh = item_json.applied_new(before.id, target.user_id, body)
    revived = replace(fresh, version=before.version, seq=before.seq)
    return Written(work.items.change(before, revived, source), Outcome.CREATED)


def patch(work: Work, target: Target, given: object, source: Source, *, if_version: int | None = None) -> Written:
    """Change what a patch (RFC 7396) names."""
    item = _required(target)
    return _change(work, item, target.links, item_json.patched(item_json.shown(item), given), source, if_version)


def delete(
    work: Work, target: Target, source: Source, guard: Callable[[], None], *, if_version: int | None = None
) -> Written:
    """Make a tombstone. ``guard`` is asked before a linked one goes, and may refuse (D8)."""
    item = _required(target)
    _check_version(item, if_version)
    if not editable(target.links).existence:
        raise Refused(code="organised_elsewhere", item=item.id)
    if target.links:
        guard()
    return Written(work.items.bury(item, source), Outcome.DELETED)


def of_external(body: Body, external_id: str) -> Body:
    """The body with the name that its address has. Raises Refused (``invalid_value``): it names another one."""
    given = dict(mapping(body, "", item_json.KNOWN))
    if given.get("external_id", external_id) != external_id:
        raise invalid("external_id", "differs from the address")
    return given | {"external_id": external_id}


def _required(target: Target) -> Item:
    if target.living is None:
        raise Refused(code="item_not_found")
    return target.living


def _check_version(item: Item, if_version: int | None) -> None:
    if if_version is not None and item.version != if_version:
        raise ItemChanged(item=item.id)


def _change(
    work: Work, item: Item, links: Sequence[Shown], body: Body, source: Source, if_version: int | None
) -> Written:
    _check_version(item, if_version)
    after = item_json.applied(item, body)
    _refuse_foreign(item, after, links)
    stored = work.items.change(item, after, source)
    return Written(stored, Outcome.UNCHANGED if stored.version == item.version else Outcome.UPDATED)


def _refuse_foreign(before: Item, after: Item, links: Sequence[Shown]) -> None:
    """A5: what the service would refuse is refused here."""
    allowed = editable(links)
    if allowed.time and allowed.people and allowed.details:
        return
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
