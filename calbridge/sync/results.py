"""What writes did, stored (SYNC D5, D6, D11, D12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Done, Failed, Partial, Result, Seen
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
from calbridge.sync.context import Context, apply, failed, log, readable, unit_text
from calbridge.sync.decide import decide
from calbridge.sync.intending import FREEZE_HOURS, Planned
from calbridge.sync.memory import Direction, Intent, Link, Op
from calbridge.sync.observe import APPLIED
from calbridge.sync.outcome import created, partly, written
from calbridge.sync.ports import Page
from calbridge.sync.project import view
from calbridge.sync.transitions import close, removed_by_us


def take_results(
    ctx: Context, page: Page, planned: Sequence[Planned], results: Sequence[Result]
) -> CalbridgeError | None:
    """Store what the writes did; answers the error that ends the run, if any."""
    page.links([each.link.id for each in planned])
    page.items([each.item.id for each in planned])
    stop: CalbridgeError | None = None
    for each, result in zip(planned, results, strict=True):
        stop = _take_result(ctx, page, each, result) or stop
    return stop


def _take_result(ctx: Context, page: Page, planned: Planned, result: Result) -> CalbridgeError | None:
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


def _applied(ctx: Context, link: Link, intent: Intent) -> Link:
    """The target is at the service now; it counts for D11 once the other side undoes it."""
    since = ctx.now - timedelta(hours=FREEZE_HOURS)
    kept = tuple((mark, at) for mark, at in link.undone if at >= since and not mark.startswith(APPLIED))
    target = ctx.keys.fingerprint(Content(dict(intent.units)))
    return replace(link, undone=(*kept, (APPLIED + target, ctx.now)))


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
    page.put_link(removed_by_us(link, ctx.now))


def _take_failure(
    ctx: Context, page: Page, planned: Planned, link: Link, error: CalbridgeError
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
