"""Sending My Calendar (SYNC D4, D9): every link with work is decided, adopts or is written, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from calbridge.connectors.contract import Fetched, Gone, Seen, Unknown, Unreadable
from calbridge.domain.event import Event
from calbridge.domain.item import Item
from calbridge.sync.context import Context, apply, failed, in_page, known_row, log
from calbridge.sync.decide import decide
from calbridge.sync.decisions import Unchanged, WriteCreate, WriteDelete
from calbridge.sync.intending import Planned, intend
from calbridge.sync.memory import Direction, KnownState, Link, LinkState, MadeBy
from calbridge.sync.observe import adopt, adoptable, unreadable, why_not
from calbridge.sync.ports import Page
from calbridge.sync.removals import allowance
from calbridge.sync.results import take_results


def send(ctx: Context) -> None:
    """Decide and write all work, batch by batch."""
    after: str | None = None
    while not ctx.budget.spent():
        after = _send_batch(ctx, after)
        if after is None:
            return


@dataclass
class _Batch:
    """What one batch is to do: its steps, which links are to adopt which event, and its last link where more follow."""

    planned: list[Planned] = field(default_factory=list)
    to_adopt: list[tuple[str, str]] = field(default_factory=list)
    last: str | None = None


def _send_batch(ctx: Context, after: str | None) -> str | None:
    """Decide and write the next links after that one; the last of them where more may follow."""
    batch = in_page(ctx, lambda page: _plan(ctx, page, after))
    _adopt_known(ctx, batch.to_adopt)
    if batch.planned:
        _write(ctx, batch.planned)
    return batch.last


def _write(ctx: Context, planned: Sequence[Planned]) -> None:
    ctx.store.renew()
    results = ctx.connector.write(ctx.calendar, [each.write for each in planned])
    stop = in_page(ctx, lambda page: take_results(ctx, page, planned, results))
    if stop is not None:
        raise stop


def _plan(ctx: Context, page: Page, after: str | None) -> _Batch:
    """Decide each link and store an intent for each step."""
    size = max(1, ctx.connector.capabilities.write_batch)
    links = page.links_to_send(ctx.now, after, size)
    batch = _Batch(last=links[-1].id if len(links) == size else None)
    items = page.items([link.item_id for link in links])
    _expect_creates(ctx, page, [items[link.item_id] for link in links if _creates(link, items)])
    left: int | None = None
    for link in links:
        item = items.get(link.item_id)
        if item is None:
            page.drop_link(link.id)
            continue
        decision = decide(link, item, Unchanged(), ctx.setting)
        if isinstance(decision.write, WriteDelete) and not decision.write.withdrawal:
            left = (allowance(ctx, page, Direction.SEND) if left is None else left) - 1
            if left < 0:
                _wait(ctx, page, decision.link)
                continue
        if isinstance(decision.write, WriteCreate) and _adopts(ctx, page, decision.link, item, batch.to_adopt):
            continue
        made = apply(ctx, page, decision, item)
        step = intend(ctx, page, replace(decision, link=made), item) if decision.write is not None else None
        if step is not None:
            batch.planned.append(step)
    return batch


def _creates(link: Link, items: Mapping[str, Item]) -> bool:
    return link.remote_id is None and link.item_id in items


def _expect_creates(ctx: Context, page: Page, items: Sequence[Item]) -> None:
    """Tell the store what the search for something to adopt will ask (D9)."""
    page.links_of([item.id for item in items])
    matches = (ctx.keys.match(item.calendar_content(ctx.setting.options.default_minutes)) for item in items)
    page.expect(uids=[item.ical_uid for item in items if item.ical_uid], matches=[each for each in matches if each])


def _wait(ctx: Context, page: Page, link: Link) -> None:
    log(ctx, page, "wait", Direction.SEND, link, code="confirmation_needed")
    page.put_link(replace(link, state=LinkState.PENDING_DELETE, reason="confirmation_needed", work=False))
    ctx.count("waiting_deletions")


def _adopts(ctx: Context, page: Page, link: Link, item: Item, to_adopt: list[tuple[str, str]]) -> bool:
    """D9: every create first adopts. True when the item is not to be created."""
    if link.generation or not adoptable(ctx, page, item):
        return False
    match = ctx.keys.match(item.calendar_content(ctx.setting.options.default_minutes))
    rows = [row for row in page.known_matching(item.ical_uid, match, None) if row.adoptable]
    if not rows:
        return False
    twins = [each for each in page.items_matching(None, match) if adoptable(ctx, page, each) and each.id != item.id]
    by_uid = [row for row in rows if item.ical_uid and row.uid == item.ical_uid]
    if len(by_uid) == 1 or (len(rows) == 1 and not twins):
        to_adopt.append((link.id, (by_uid or rows)[0].remote_id))
        return True
    for row in rows:
        page.put_known(replace(row, state=KnownState.AMBIGUOUS, code="ambiguous"))
    page.put_link(replace(link, state=LinkState.WITHHELD, reason="ambiguous", work=False))
    log(ctx, page, "wait", Direction.SEND, link, item, "ambiguous")
    return True


def _adopt_known(ctx: Context, pairs: Sequence[tuple[str, str]]) -> None:
    """Read the events that are to be adopted and merge each pair."""
    if not pairs:
        return
    rows = {row.remote_id: row for row in ctx.fetch([remote_id for _, remote_id in pairs])}
    for link_id, remote_id in pairs:
        in_page(ctx, partial(_adopt_row, ctx, link_id, rows.get(remote_id, Unknown(remote_id))))


def _adopt_row(ctx: Context, link_id: str, row: Fetched, page: Page) -> None:
    """Pair with the event, or decide anew without it; an event that gave no answer is asked for again later."""
    link = page.links([link_id]).get(link_id)
    item = page.item(link.item_id) if link else None
    if link is None or item is None:
        return
    taken = page.links_at([row.remote_id]).get(row.remote_id)
    match row:
        case Gone():
            page.drop_known([row.remote_id])
            page.put_link(replace(link, work=True))
        case Unreadable():
            unreadable(ctx, page, row)
            page.put_link(replace(link, work=True))
        case Seen(event=Event()) if taken is not None and taken.live:
            page.put_link(replace(link, work=True))
        case Seen(event=Event() as event):
            if (state := why_not(ctx, page, event, row)) is None:
                adopt(ctx, page, item, row, MadeBy.ADOPTED, link)
                return
            page.put_known(known_row(ctx, row, state=state[0], code=state[1]))
            page.put_link(replace(link, work=True))
        case _:
            page.put_link(failed(link, "no_answer", ctx.now, permanent=False))
