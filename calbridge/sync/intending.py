"""A step of a link becomes an intent, stored before its call (SYNC D4, D11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from calbridge.connectors.contract import Create, Delete, Update, Write
from calbridge.domain.content import Content
from calbridge.domain.item import Item
from calbridge.domain.record_url import record_url
from calbridge.sync.context import Context
from calbridge.sync.decisions import Decision, Step, WriteCreate, WriteDelete, WriteUpdate
from calbridge.sync.memory import Intent, Link, LinkState, Op
from calbridge.sync.ports import Page
from calbridge.sync.project import Projected, project
from calbridge.sync.transitions import without_event

FREEZE_TIMES, FREEZE_HOURS = 3, 24
"""A target that was undone so often within so many hours is not written again (D11)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A write that is to go out, with its link, item and stored intent."""

    link: Link
    item: Item
    intent: Intent
    write: Write


def intend(ctx: Context, page: Page, decision: Decision, item: Item) -> Planned | None:
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
    return Planned(link, item, intent, _call(ctx, intent, link, item))


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


def _call(ctx: Context, intent: Intent, link: Link, item: Item) -> Write:
    if intent.op is Op.CREATE:
        source = _source_url(ctx, link, item)
        return Create(intent.key or "", intent.target, intent.uid or intent.key or "", intent.remote_id, source)
    address = intent.remote_id or ""
    if intent.op is Op.DELETE:
        return Delete(address, intent.version, link.native)
    return Update(address, intent.version, link.native, intent.units, intent.rekeyed, intent.redact)


def _source_url(ctx: Context, link: Link, item: Item) -> str | None:
    """Where the record is shown, for an event whose text is shown, too (A9)."""
    options = ctx.setting.options
    if options.record_url is None:
        return None
    shown = project(item, options, link.made_by, ctx.setting.integration_id)
    return record_url(options.record_url, item) if isinstance(shown, Projected) and not shown.hidden else None


def _frozen(ctx: Context, link: Link, step: WriteUpdate) -> Link | None:
    """D11: the same target applied and undone three times in a day stops until something really changes."""
    target = ctx.keys.fingerprint(Content(dict(step.units)))
    since = ctx.now - timedelta(hours=FREEZE_HOURS)
    times = [at for mark, at in link.undone if mark == target and (at >= since or link.state is LinkState.FROZEN)]
    if len(times) < FREEZE_TIMES:
        return None
    started = link.since if link.state is LinkState.FROZEN else ctx.now
    return replace(link, state=LinkState.FROZEN, reason="oscillation", since=started, work=False)
