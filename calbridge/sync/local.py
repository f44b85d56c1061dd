"""Sending My Calendar (SYNC D2, D4, D5, D9): items above the mark, then every link with work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Create, Delete, Done, Failed, Partial, Result, Seen, Update, Window, Write
from calbridge.domain.content import Content
from calbridge.domain.item import Item
from calbridge.errors import (
    CalbridgeError,
    CalendarGone,
    NotFound,
    PermissionMissing,
    Rejected,
    SignInRequired,
    Throttled,
    Unavailable,
    VersionConflict,
)
from calbridge.sync.context import MOST, PAGE, Context, apply, failed, in_page, log, readable, unit_text
from calbridge.sync.decide import decide
from calbridge.sync.decisions import Decision, Step, Unchanged, WriteCreate, WriteDelete, WriteUpdate
from calbridge.sync.memory import Direction, Intent, KnownState, Link, LinkState, MadeBy, Op
from calbridge.sync.observe import APPLIED, adopt, adoptable
from calbridge.sync.outcome import created, partly, written
from calbridge.sync.ports import Page
from calbridge.sync.project import view
from calbridge.sync.ranges import in_window
from calbridge.sync.remote import needs_reading
from calbridge.sync.removals import allowance
from calbridge.sync.transitions import close, without_event

FREEZE_TIMES, FREEZE_HOURS = 3, 24


@dataclass(frozen=True, slots=True)
class _Planned:
    link: Link
    item: Item
    intent: Intent
    write: Write


def scan_items(ctx: Context) -> bool:
    """Give every item above the mark its work; the mark moves in the same transaction. True where no link has any."""
    more, idle = True, False
    while more:
        with ctx.store.page() as page:
            state = page.integration()
            items, mark = page.items_to_scan(state.mark, PAGE)
            links = page.links_of([item.id for item in items]) if items else {}
            for item in items:
                _scan(ctx, page, item, links.get(item.id))
            if mark != state.mark:
                page.save_integration(replace(state, mark=mark))
            more = len(items) == PAGE
            idle = not more and not page.links_to_do(ctx.now, 1)
    return idle


def _scan(ctx: Context, page: Page, item: Item, link: Link | None) -> None:
    if link is not None and link.parked is None:
        _wake(page, item, link)
    elif not item.deleted:
        page.put_link(Link(ctx.keys.new_id(), item.id, since=ctx.now, work=True, synced_version=item.version))


def _wake(page: Page, item: Item, link: Link) -> None:
    """The link of an item that changed; what syncing itself changed is known already."""
    if link.state is not LinkState.CLOSED and (link.synced_version != item.version or link.state is LinkState.FAILED):
        page.put_link(replace(link, work=True, retry_at=None, tries=0, synced_version=item.version))


def skip_to_now(ctx: Context) -> None:
    """A baseline sends nothing: the mark passes what existed when it began (D9)."""
    with ctx.store.page() as page:
        state = page.integration()
        mark = state.mark
        while items := page.items_after(mark, PAGE):
            mark = items[-1].seq
        page.save_integration(replace(state, mark=mark))
    ctx.integration = replace(ctx.integration, mark=mark)


def link_range(ctx: Context, window: Window) -> None:
    """A range run of sending (F2): what lies in the window and has no link gets one."""
    after = 0
    while True:
        with ctx.store.page() as page:
            items = page.items_after(after, PAGE)
            if not items:
                return
            links = page.links_of([item.id for item in items])
            for item in items:
                _link_in_range(ctx, page, item, links.get(item.id), window)
            after = items[-1].seq


def _link_in_range(ctx: Context, page: Page, item: Item, link: Link | None, window: Window) -> None:
    """What has no event gets one, also what live sync passed by as too old."""
    shown = item.calendar_content(ctx.setting.options.default_minutes)
    if item.deleted or not in_window(shown, window, ctx.integration.time_zone):
        return
    if link is None or link.parked is not None:
        link = Link(ctx.keys.new_id(), item.id, since=ctx.now, synced_version=item.version)
    if link.remote_id is None and link.state is not LinkState.CLOSED:
        page.put_link(replace(link, work=True, ranged=True))


def send(ctx: Context) -> None:
    """Decide and write all work, batch by batch."""
    stuck: set[str] = set()
    size = max(1, ctx.connector.capabilities.write_batch)
    while not ctx.budget.spent():
        with ctx.store.page() as page:
            links = [link for link in page.links_to_do(ctx.now, MOST) if link.id not in stuck]
        links = [link for link in links if not needs_reading(link)][:size]
        if not links:
            return
        ids = [link.id for link in links]
        _send_batch(ctx, ids)
        with ctx.store.page() as page:
            stuck |= {link.id for link in page.links(ids).values() if link.work}


def _send_batch(ctx: Context, link_ids: Sequence[str]) -> None:
    planned, to_adopt = in_page(ctx, lambda page: _plan(ctx, page, link_ids))
    _adopt_known(ctx, to_adopt)
    if not planned:
        return
    ctx.store.renew()
    results = ctx.connector.write(ctx.calendar, [each.write for each in planned])
    stop = in_page(ctx, lambda page: _take_results(ctx, page, planned, results))
    if stop is not None:
        raise stop


def _take_results(
    ctx: Context, page: Page, planned: Sequence[_Planned], results: Sequence[Result]
) -> CalbridgeError | None:
    """Store what the writes did; answers the error that ends the run, if any."""
    page.links([each.link.id for each in planned])
    page.items([each.item.id for each in planned])
    stop: CalbridgeError | None = None
    for each, result in zip(planned, results, strict=True):
        stop = _take_result(ctx, page, each, result) or stop
    return stop


def _plan(ctx: Context, page: Page, link_ids: Sequence[str]) -> tuple[list[_Planned], list[tuple[str, str]]]:
    """Decide each link and store an intent for each step; also which links are to adopt which event."""
    planned: list[_Planned] = []
    to_adopt: list[tuple[str, str]] = []
    links = page.links(link_ids)
    items = page.items([link.item_id for link in links.values()])
    _expect_creates(ctx, page, [items[link.item_id] for link in links.values() if _creates(link, items)])
    left: int | None = None
    for link in links.values():
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
        if isinstance(decision.write, WriteCreate) and _adopts(ctx, page, decision.link, item, to_adopt):
            continue
        made = apply(ctx, page, decision, item)
        step = _intend(ctx, page, replace(decision, link=made), item) if decision.write is not None else None
        if step is not None:
            planned.append(step)
    return planned, to_adopt


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
    rows = [row for row in page.known_matching(item.ical_uid, match, None) if row.state in _ADOPTABLE]
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


_ADOPTABLE = {KnownState.KNOWN, KnownState.AMBIGUOUS}


def _adopt_known(ctx: Context, pairs: Sequence[tuple[str, str]]) -> None:
    """Read the events that are to be adopted and merge each pair."""
    if not pairs:
        return
    rows = {row.remote_id: row for row in ctx.fetch([remote_id for _, remote_id in pairs]) if isinstance(row, Seen)}
    for link_id, remote_id in pairs:
        row = rows.get(remote_id)
        in_page(ctx, partial(_adopt_row, ctx, link_id, remote_id, row if row is not None and row.event else None))


def _adopt_row(ctx: Context, link_id: str, remote_id: str, row: Seen | None, page: Page) -> None:
    link = page.links([link_id]).get(link_id)
    item = page.item(link.item_id) if link else None
    if link is None or item is None:
        return
    if row is None:
        page.drop_known([remote_id])
        page.put_link(replace(link, work=True))
    else:
        adopt(ctx, page, item, row, MadeBy.ADOPTED, link)


def _intend(ctx: Context, page: Page, decision: Decision, item: Item) -> _Planned | None:
    """Store the step before its call (D4); None when the pair is frozen (D11)."""
    link, step = decision.link, decision.write
    assert step is not None
    intent = _intent(ctx, link, step)
    if isinstance(step, WriteUpdate):
        frozen = _frozen(ctx, link, step)
        if frozen is not None:
            page.put_link(frozen)
            return None
    if isinstance(step, WriteCreate):
        link = replace(without_event(link), key=intent.key, generation=link.generation, work=True)
        page.keep_key(intent.key or "", item.id)
    page.put_link(link)
    page.put_intent(intent)
    return _Planned(link, item, intent, _call(intent, link))


def _intent(ctx: Context, link: Link, step: Step) -> Intent:
    fresh = Intent(
        id=ctx.keys.new_id(),
        link_id=link.id,
        op=Op.CREATE,
        remote_id=link.remote_id,
        uid=link.uid,
        key=link.key,
        generation=link.generation,
        version=link.seen_version,
        created_at=ctx.now,
    )
    if isinstance(step, WriteUpdate):
        return replace(
            fresh, op=Op.UPDATE, target=step.target, units=step.units, rekeyed=step.rekeyed, redact=step.redact
        )
    if isinstance(step, WriteDelete):
        return replace(fresh, op=Op.DELETE, purpose="withdraw" if step.withdrawal else "delete")
    key = ctx.keys.stable(ctx.integration.id, link.item_id, link.generation)
    place = ctx.connector.place(ctx.calendar, key)
    return replace(
        fresh,
        target=step.target,
        key=key,
        remote_id=place.remote_id if place else None,
        uid=place.uid if place else None,
        version=None,
    )


def _call(intent: Intent, link: Link) -> Write:
    if intent.op is Op.CREATE:
        return Create(intent.key or "", intent.target, intent.uid or intent.key or "", intent.remote_id)
    address = intent.remote_id or ""
    if intent.op is Op.DELETE:
        return Delete(address, intent.version, link.native)
    return Update(address, intent.version, link.native, intent.units, intent.rekeyed, intent.redact)


def _frozen(ctx: Context, link: Link, step: WriteUpdate) -> Link | None:
    """D11: the same target applied and undone three times in a day stops until something really changes."""
    target = ctx.keys.fingerprint(Content(dict(step.units)))
    since = ctx.now - timedelta(hours=FREEZE_HOURS)
    times = [at for mark, at in link.undone if mark == target and (at >= since or link.state is LinkState.FROZEN)]
    if len(times) < FREEZE_TIMES:
        return None
    started = link.since if link.state is LinkState.FROZEN else ctx.now
    return replace(link, state=LinkState.FROZEN, reason="oscillation", since=started, work=False)


def _applied(ctx: Context, link: Link, intent: Intent) -> Link:
    """The target is at the service now; it counts for D11 once the other side undoes it."""
    since = ctx.now - timedelta(hours=FREEZE_HOURS)
    kept = tuple((mark, at) for mark, at in link.undone if at >= since and not mark.startswith(APPLIED))
    target = ctx.keys.fingerprint(Content(dict(intent.units)))
    return replace(link, undone=(*kept, (APPLIED + target, ctx.now)))


def _take_result(ctx: Context, page: Page, planned: _Planned, result: Result) -> CalbridgeError | None:
    """Store what a write did; answers the error that ends the run, if any."""
    link = page.links([planned.link.id]).get(planned.link.id)
    item = page.item(planned.item.id)
    if link is None or item is None:
        page.drop_intent(planned.intent.id)
        return None
    match result:
        case None:
            return None
        case Failed(error):
            return _take_failure(ctx, page, planned, link, error)
        case Done():
            page.drop_intent(planned.intent.id)
            _take_done(ctx, page, planned.intent, link, item, result)
        case Partial():
            page.drop_intent(planned.intent.id)
            seen = view(result.event, ctx.setting.options, link.made_by).content
            half = partly(link, planned.intent, result, seen)
            ctx.wrote = True
            present = Seen(result.remote_id, result.version, result.event.uid, result.event, result.native)
            apply(ctx, page, decide(half, item, ctx.present(present), ctx.setting), item)
    return None


def _take_done(ctx: Context, page: Page, intent: Intent, link: Link, item: Item, done: Done) -> None:
    ctx.wrote = True
    if intent.op is Op.DELETE:
        _take_deleted(ctx, page, intent, link, item)
        return
    assert done.event is not None
    normal = ctx.connector.normalise(intent.target)
    seen = view(done.event, ctx.setting.options, link.made_by).content
    if intent.op is Op.CREATE:
        found = replace(intent, remote_id=done.remote_id, uid=done.event.uid or intent.uid)
        atomic = ctx.ability(Ability.ATOMIC_SERIES)
        after = created(link, found, seen, normal, atomic=atomic, exact=done.exact)
        log(ctx, page, "create", Direction.SEND, after, item)
        ctx.count("events_created")
    else:
        after = written(link, intent, done, seen, normal)
        after = _applied(ctx, replace(after, remote_id=done.remote_id), intent)
        changes = {
            unit_text(unit): (readable(link.shown.get(unit)), readable(value)) for unit, value in intent.units.items()
        }
        log(ctx, page, "update", Direction.SEND, after, item, None, changes)
        ctx.count("events_changed")
    present = Seen(done.remote_id, done.version, done.event.uid, done.event, done.native)
    page.drop_known([done.remote_id])
    apply(ctx, page, decide(after, item, ctx.present(present), ctx.setting), item)


def _take_deleted(ctx: Context, page: Page, intent: Intent, link: Link, item: Item) -> None:
    ctx.count("events_deleted")
    action = "withdraw" if intent.purpose == "withdraw" else "delete"
    log(ctx, page, action, Direction.SEND, link, item)
    if item.deleted:
        ended = close(replace(link, work=False), "deleted", ctx.now)
        page.put_link(ended)
        if link.uid:
            page.wake_known(link.uid)
        return
    reason = link.reason or "withdrawn"
    gone = without_event(replace(link, state=LinkState.WITHDRAWN, reason=reason, since=ctx.now))
    page.put_link(replace(gone, work=True))


def _take_failure(
    ctx: Context, page: Page, planned: _Planned, link: Link, error: CalbridgeError
) -> CalbridgeError | None:
    """Errors of the item stay with the item; errors of the account or service end the run (D6, D12)."""
    now = ctx.now
    match error:
        case Unavailable():
            return error
        case VersionConflict():
            page.drop_intent(planned.intent.id)
            page.put_link(replace(link, seen_version=None, work=True, reread=True))
        case NotFound():
            page.drop_intent(planned.intent.id)
            page.put_link(replace(link, gone_at=link.gone_at or now, gone_sure=False))
        case Rejected():
            page.drop_intent(planned.intent.id)
            page.put_link(failed(link, error.code, now, permanent=True))
            log(ctx, page, "fail", Direction.SEND, link, planned.item, error.code)
            ctx.count("failed")
        case Throttled() | SignInRequired() | PermissionMissing() | CalendarGone():
            page.drop_intent(planned.intent.id)
            page.put_link(replace(link, work=True))
            return error
        case _:
            page.drop_intent(planned.intent.id)
            page.put_link(failed(link, error.code, now, permanent=False))
            ctx.count("failed")
    return None


def local_window(today: date, past_days: int | None, future_days: int | None) -> Window:
    """A range of local days around today; None is unbounded (F2)."""
    start = today - timedelta(days=past_days) if past_days is not None else None
    end = today + timedelta(days=future_days + 1) if future_days is not None else None
    return Window(start, end)
