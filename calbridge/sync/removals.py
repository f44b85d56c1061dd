"""Deletions on the linked side (SYNC D7, D8): recorded, confirmed, guarded, then executed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Fetched, Gone, Seen
from calbridge.domain.item import Item
from calbridge.sync.context import Context, apply, in_page, log, portions
from calbridge.sync.decide import decide
from calbridge.sync.decisions import Decision, ItemAct, Vanished
from calbridge.sync.memory import Direction, Link, LinkState, Op
from calbridge.sync.observe import LIVE
from calbridge.sync.ports import Page
from calbridge.sync.taking import page_of_batches, take_fetched

GUARD_LEAST, GUARD_SHARE, GUARD_HOURS = 10, 0.2, 24


def execute(ctx: Context) -> bool:
    """Confirm every recorded deletion and carry out those that may go on; what waits for a word is left alone.

    True when there was anything to look at.
    """
    with ctx.store.page() as page:
        by_hand = confirmed_by_hand(ctx, page, Direction.RETRIEVE)
        waiting = 0 if by_hand else page.gone_waiting()
    if waiting:
        ctx.count("waiting_deletions", waiting)
    confirmed: list[str] = []
    looked, after = False, ""
    size = page_of_batches(ctx)
    while links := _recorded(ctx, after, size, by_hand):
        looked, after = True, links[-1].id
        gone = _confirmed(ctx, links)
        _look_elsewhere(ctx, [link for link in links if link.id in gone])
        confirmed += [link.id for link in links if link.id in gone]
    _carry_out_all(ctx, confirmed)
    return looked


def _recorded(ctx: Context, after: str, size: int, by_hand: bool) -> list[Link]:
    """The next recorded deletions; those that wait for a word only where it was given."""
    with ctx.store.page() as page:
        return page.links_gone(after, size, waiting=by_hand)


def _confirmed(ctx: Context, links: Sequence[Link]) -> set[str]:
    """Links whose address answered Gone while the calendar itself answers."""
    stable = ctx.ability(Ability.STABLE_ADDRESS)
    sure = [link for link in links if link.gone_sure and stable]
    asked = [link for link in links if not (link.gone_sure and stable)]
    answers = ctx.fetch([link.remote_id for link in asked if link.remote_id is not None])
    by_id: dict[str, Fetched] = {row.remote_id: row for row in answers}
    take_fetched(ctx, [row for row in answers if isinstance(row, Seen)], LIVE)
    gone = {link.id for link in asked if isinstance(by_id.get(link.remote_id or ""), Gone)}
    return gone | {link.id for link in sure}


def _look_elsewhere(ctx: Context, links: Sequence[Link]) -> None:
    """The same UID or key at another address means that the event moved (D7)."""
    if not links:
        return
    uids = [link.uid for link in links if link.uid]
    keys = [link.key for link in links if link.key]
    with ctx.store.page() as page:
        page.expect(uids=uids)
        moved = [row.remote_id for uid in uids for row in page.known_matching(uid, None, None)]
    found: list[Fetched] = list(ctx.fetch(list(dict.fromkeys(moved)))) if moved else []
    if not (ctx.ability(Ability.STABLE_ADDRESS) or ctx.ability(Ability.WHOLE_MOVES)):
        ctx.store.renew()
        found += ctx.connector.find(ctx.calendar, keys, uids)
    gone = {link.remote_id for link in links}
    take_fetched(ctx, [row for row in found if isinstance(row, Seen) and row.remote_id not in gone], LIVE)


def _carry_out_all(ctx: Context, confirmed: Sequence[str]) -> None:
    """Page by page (C2); more than a page is counted as a whole first. Where a run is cut after some, the rest may have
    to wait for a word: the guard counts what was done."""
    pages = list(portions(confirmed))
    waits = None if len(pages) < 2 else _too_many_of(ctx, pages)
    for some in pages:
        in_page(ctx, partial(_carry_out, ctx, some, waits))


def _too_many_of(ctx: Context, pages: Sequence[Sequence[str]]) -> bool:
    deleting = 0
    for some in pages:
        with ctx.store.page() as page:
            deleting += _deleting(_decided(ctx, page, some))
    with ctx.store.page() as page:
        return _too_many(ctx, page, deleting)


def _too_many(ctx: Context, page: Page, deleting: int) -> bool:
    """Whether these deletions wait for somebody's word."""
    return deleting > 0 and deleting > allowance(ctx, page, Direction.RETRIEVE)


def _deleting(decisions: Sequence[tuple[Decision, Item]]) -> int:
    return sum(1 for decision, _ in decisions if decision.act is ItemAct.DELETE)


def _decided(ctx: Context, page: Page, link_ids: Sequence[str]) -> list[tuple[Decision, Item]]:
    """Those of the links that are still gone, with their items. A link whose item is gone for good goes, too."""
    links = [link for link in page.links(link_ids).values() if link.gone_at is not None]
    items = page.items([link.item_id for link in links])
    for link in links:
        if link.item_id not in items:
            page.drop_link(link.id)
    return [
        (decide(link, items[link.item_id], Vanished(), ctx.setting), items[link.item_id])
        for link in links
        if link.item_id in items
    ]


def _carry_out(ctx: Context, link_ids: Sequence[str], waits: bool | None, page: Page) -> None:
    """``waits``: whether deletions wait for a word; None where these are all that there are."""
    decisions = _decided(ctx, page, link_ids)
    if waits is None:
        waits = _too_many(ctx, page, _deleting(decisions))
    for decision, item in decisions:
        if waits and decision.act is ItemAct.DELETE:
            _wait(ctx, page, page.links([decision.link.id])[decision.link.id])
        else:
            apply(ctx, page, decision, item)


def _wait(ctx: Context, page: Page, link: Link) -> None:
    if link.state is not LinkState.PENDING_DELETE:
        log(ctx, page, "wait", Direction.RETRIEVE, link, code="confirmation_needed")
    since = link.since if link.state is LinkState.PENDING_DELETE else ctx.now
    page.put_link(replace(link, state=LinkState.PENDING_DELETE, reason="confirmation_needed", since=since, work=False))
    ctx.count("waiting_deletions")


def confirmed_by_hand(ctx: Context, page: Page, direction: Direction) -> bool:
    """Whether somebody gave their word for deletions in this direction, and it still holds."""
    state = page.integration()
    until = state.confirmed_retrieve_until if direction is Direction.RETRIEVE else state.confirmed_send_until
    return until is not None and until > ctx.now


def allowance(ctx: Context, page: Page, direction: Direction) -> int:
    """D8: how many deletions may go on without somebody's word."""
    if confirmed_by_hand(ctx, page, direction):
        return sys.maxsize
    if direction is Direction.RETRIEVE and ctx.listed_empty:
        return 0
    done = page.deletions(direction, ctx.now - timedelta(hours=GUARD_HOURS))
    if direction is Direction.SEND:
        done += sum(1 for intent in page.intents() if intent.op is Op.DELETE and intent.purpose == "delete")
    return max(GUARD_LEAST, int(GUARD_SHARE * page.live_count())) - done
