"""What all phases of a run share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Connector, Fetched, Seen
from calbridge.domain.content import HIDDEN_FIELDS, Content, People, Span, Text, Unit, Value, differing
from calbridge.domain.item import Item
from calbridge.domain.options import Level
from calbridge.domain.recurrence import last_end
from calbridge.errors import ItemChanged
from calbridge.sync.decisions import Decision, ItemAct, Present, Setting
from calbridge.sync.memory import Direction, Integration, Intent, Known, Link, LinkState, LogEntry, MadeBy
from calbridge.sync.merge import Conflict
from calbridge.sync.ports import Budget, Clock, Keys, Page, RunStore

PAGE = 500
TRIES = 5
_HIDDEN_NAMES = frozenset(name.value for name in HIDDEN_FIELDS)
T = TypeVar("T")
RETRY_FIRST = timedelta(minutes=5)
RETRY_MOST = timedelta(hours=12)


class NoBudget:
    """A slice without an end."""

    def spent(self) -> bool:
        """Never."""
        return False


@dataclass
class Context:
    """One run: its parts, its setting, what it found so far."""

    connector: Connector
    store: RunStore
    clock: Clock
    keys: Keys
    integration: Integration
    setting: Setting
    budget: Budget = field(default_factory=NoBudget)
    open_steps: Sequence[Intent] = ()
    counters: dict[str, int] = field(default_factory=dict)
    wrote: bool = False
    listed_empty: bool = False
    range_copied: bool = False
    listed_anew: bool = False
    """Whether this run lists what it has seen before, so that being listed says nothing."""
    settled: bool = False
    """Whether the delta, when its end was stored, had left nothing to be read again."""
    batch_matches: Mapping[str, int] = field(default_factory=dict)

    @property
    def calendar(self) -> str:
        """The linked calendar's id."""
        return self.integration.calendar_id

    @property
    def now(self) -> datetime:
        """Aware UTC."""
        return self.clock.now()

    def ability(self, name: Ability) -> bool:
        """Whether the service fully has it."""
        return self.connector.capabilities.has(name)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter of the run."""
        self.counters[name] = self.counters.get(name, 0) + number

    def present(self, seen: Seen, *, adopting: bool = False, projected: Content | None = None) -> Present:
        """A fetched row as ``decide`` takes it."""
        assert seen.event is not None
        normalised = self.connector.normalise(projected) if projected is not None else Content()
        return Present(seen.event, seen.version, seen.native, adopting, normalised)

    def fetch(self, remote_ids: Sequence[str]) -> list[Fetched]:
        """Fetch in the connector's batches; the lease is renewed before each."""
        found: list[Fetched] = []
        for some in portions(remote_ids, max(1, self.connector.capabilities.fetch_batch)):
            self.store.renew()
            found.extend(self.connector.fetch(self.calendar, some))
        return found


def portions(rows: Sequence[T], size: int = PAGE) -> Iterator[Sequence[T]]:
    """The rows in order, so many at a time, so that memory is bounded (C2)."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def in_page(ctx: Context, act: Callable[[Page], T]) -> T:
    """Do it in one transaction; decided anew when an item moved on meanwhile (D4).

    :raises ItemChanged: it moved on every time.
    """
    for _ in range(TRIES - 1):
        try:
            with ctx.store.page() as page:
                return act(page)
        except ItemChanged:
            ctx.count("decided_again")
    with ctx.store.page() as page:
        return act(page)


def apply(ctx: Context, page: Page, decision: Decision, before: Item) -> Link:
    """Store a decision's item and link in the page's transaction; the write step is left to the caller.

    :raises ItemChanged: the item moved on since it was read: the page is decided again.
    """
    link, item = decision.link, before
    match decision.act:
        case ItemAct.UPDATE | ItemAct.RESTORE if decision.item is not None:
            item = page.put_item(decision.item, before.version)
            ctx.wrote = True
            ctx.count("items_changed")
        case ItemAct.DELETE:
            version = before.version
            if decision.link.reason == "private":
                version = page.put_item(before.hiding(), version).version
            item = page.delete_item(before.id, version)
            ctx.wrote = True
            ctx.count("items_deleted")
        case ItemAct.TELL:
            page.mark_not_own(before)
    if item.hidden and (not before.hidden or decision.link.reason == "private"):
        page.forget_texts(item.id)
    if item is not before:
        link = replace(link, synced_version=item.version)
    if decision.forget:
        page.drop_link(link.id)
    else:
        page.put_link(link)
    _log_decision(ctx, page, decision, before, item)
    if link.state is LinkState.CLOSED and link.uid:
        page.wake_known(link.uid)
    if link.state is LinkState.CLOSED and link.reason == "private" and link.remote_id is not None:
        # Known like one that never came, so that it is read again when the level changes (B1).
        row = Known(link.remote_id, link.seen_version, link.uid, code=link.reason, indexed=True)
        page.put_known(row)
    return link


def _log_decision(ctx: Context, page: Page, decision: Decision, before: Item, after: Item) -> None:
    names = {ItemAct.UPDATE: "update", ItemAct.RESTORE: "restore", ItemAct.DELETE: "delete", ItemAct.TELL: "tell"}
    if decision.act is not None:
        both_known = decision.act is ItemAct.UPDATE and not (before.hidden or after.hidden)
        changes = changed_values(before.content, after.content) if both_known else {}
        log(ctx, page, names[decision.act], Direction.RETRIEVE, decision.link, after, decision.note, changes)
    elif decision.note:
        log(ctx, page, "note", Direction.RETRIEVE, decision.link, after, decision.note)
    if decision.conflicts:
        lost = {unit_text(each.unit): _conflict_values(each, after) for each in decision.conflicts}
        log(ctx, page, "conflict", Direction.RETRIEVE, decision.link, after, "conflict", lost)


def _conflict_values(conflict: Conflict, item: Item) -> tuple[object, object]:
    if item.hidden:
        return (None, None)
    return (readable(conflict.lost), readable(conflict.kept))


def changed_values(before: Content, after: Content) -> dict[str, tuple[object, object]]:
    """Field differences for the log, as readable text."""
    units = sorted(differing(before, after))
    return {unit_text(unit): (readable(before.get(unit)), readable(after.get(unit))) for unit in units}


def unit_text(unit: Unit) -> str:
    """``title`` or ``2027-01-05T10:00:00 title``."""
    return f"{unit[0]} {unit[1].value}".strip()


def readable(value: Value) -> object:
    """A unit's value as a person may read it."""
    match value:
        case Span():
            rule = f" {' '.join(value.rule)}" if value.rule else ""
            return f"{value.start.key} - {value.end.key}{rule} {value.start.zone or ''}".strip()
        case Text():
            return value.plain
        case People():
            return ", ".join(person.email for person in value.attendees)
        case tuple():
            return ", ".join(str(each) for each in value)
        case _:
            return value


def log(
    ctx: Context,
    page: Page,
    action: str,
    direction: Direction,
    link: Link | None = None,
    item: Item | None = None,
    code: str | None = None,
    changes: Mapping[str, tuple[object, object]] | None = None,
) -> None:
    """One line of the run's log; with a level that hides text in force it tells only what is no text (A9)."""
    title = _loggable_title(ctx, link, item)
    told = dict(changes or {})
    if title is None:
        told = {name: values for name, values in told.items() if name.split(" ")[-1] not in _HIDDEN_NAMES}
    page.log(
        LogEntry(
            at=ctx.now,
            action=action,
            direction=direction,
            item_id=item.id if item else link.item_id if link else None,
            link_id=link.id if link else None,
            remote_id=link.remote_id if link else None,
            code=code,
            title=title,
            changes=told,
        )
    )


def _loggable_title(ctx: Context, link: Link | None, item: Item | None) -> str | None:
    """What a level hides is in no log (A9)."""
    if item is None or item.hidden:
        return None
    ours = link is None or link.made_by is MadeBy.US
    privacy = ctx.setting.options.send.privacy if ours else ctx.setting.options.retrieve.privacy
    return item.content.title if privacy.level(item.content.private) is Level.FULL else None


def pause_after(tries: int) -> timedelta:
    """How long it is left alone that failed so often before (D6)."""
    return min(RETRY_FIRST * (1 << min(tries, 10)), RETRY_MOST)


def failed(link: Link, code: str, now: datetime, *, permanent: bool) -> Link:
    """The link after an error of its own: retried with growing pauses, or left until something changes (D6)."""
    since = link.since if link.state is LinkState.FAILED and link.reason == code else now
    return replace(
        link,
        state=LinkState.FAILED,
        reason=code,
        since=since,
        work=not permanent,
        retry_at=None if permanent else now + pause_after(link.tries),
        tries=link.tries + 1,
    )


def known_row(ctx: Context, seen: Seen, **facts: object) -> Known:
    """A known row of a fetched event, with its keyed fingerprint for adoption."""
    event = seen.event
    if event is None:
        return replace(Known(seen.remote_id, seen.version, seen.uid), **facts)  # type: ignore[arg-type]
    span = event.content.span
    row = Known(
        remote_id=seen.remote_id,
        version=seen.version,
        uid=event.uid,
        marker=event.marker,
        match=ctx.keys.match(event.content),
        first_start=span.start.instant() if span else None,
        last_end=last_end(event.content),
        indexed=True,
    )
    return replace(row, **facts)  # type: ignore[arg-type]
