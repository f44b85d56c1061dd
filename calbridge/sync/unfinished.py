"""Open write steps come before anything else (SYNC D4): find out what happened, never repeat blindly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from calbridge.connectors.contract import Fetched, Gone, Seen, Unreadable
from calbridge.sync.context import Context, apply, failed, log
from calbridge.sync.decide import decide
from calbridge.sync.memory import Direction, Intent, Link, Op
from calbridge.sync.observe import finish_create
from calbridge.sync.outcome import updated
from calbridge.sync.ports import Page
from calbridge.sync.project import view


def look_up(ctx: Context) -> list[str]:
    """Find the outcome of every open step. Creates that are not there stay open until the delta was read: their ids."""
    intents = ctx.open_steps
    if not intents:
        return []
    addresses = [intent.remote_id for intent in intents if intent.remote_id is not None]
    answers = {row.remote_id: row for row in ctx.fetch(list(dict.fromkeys(addresses)))}
    for intent in intents:
        if intent.op is Op.CREATE:
            _created(ctx, intent, answers)
        else:
            _changed(ctx, intent, answers.get(intent.remote_id or ""))
    with ctx.store.page() as page:
        return [intent.id for intent in page.intents() if intent.op is Op.CREATE]


def _created(ctx: Context, intent: Intent, answers: dict[str, Fetched]) -> None:
    row = answers.get(intent.remote_id or "")
    seen = row if isinstance(row, Seen) and row.event is not None else None
    if seen is not None and intent.key and seen.event is not None and seen.event.marker not in (None, intent.key):
        seen = None
    if seen is None and not (intent.remote_id is not None and isinstance(row, Seen)):
        seen = _by_key(ctx, intent)
    if seen is not None:
        with ctx.store.page() as page:
            finish_create(ctx, page, intent, seen)


def _by_key(ctx: Context, intent: Intent) -> Seen | None:
    ctx.store.renew()
    found = ctx.connector.find(ctx.calendar, [intent.key] if intent.key else [], [intent.uid] if intent.uid else [])
    with ctx.store.page() as page:
        taken = page.links_at([seen.remote_id for seen in found])
    whole = [seen for seen in found if seen.event is not None and seen.remote_id not in taken]
    return min(whole, key=lambda seen: _rank(intent, seen), default=None)


def _rank(intent: Intent, seen: Seen) -> tuple[bool, datetime, str]:
    """Ours before a copy that somebody made of it: our UID, else the one touched first."""
    touched = seen.event.modified_at if seen.event else None
    return (seen.uid != intent.uid, touched or datetime.max.replace(tzinfo=UTC), seen.remote_id)


def _changed(ctx: Context, intent: Intent, row: Fetched | None) -> None:
    """An open update or delete, with what lives at its address now."""
    with ctx.store.page() as page:
        link = page.links([intent.link_id]).get(intent.link_id)
        item = page.item(link.item_id) if link else None
        if link is None or item is None:
            page.drop_intent(intent.id)
            return
        match row:
            case Seen() if row.event is not None:
                page.drop_intent(intent.id)
                _found(ctx, page, intent, link, row)
            case Gone():
                page.drop_intent(intent.id)
                if intent.op is Op.DELETE and item.deleted:
                    log(ctx, page, "delete", Direction.SEND, link, item)
                page.put_link(replace(link, gone_at=link.gone_at or ctx.now, gone_sure=row.sure))
            case Unreadable():
                page.drop_intent(intent.id)
                page.put_link(failed(link, row.code, ctx.now, permanent=True))
            case _:
                ctx.count("unknown")


def _found(ctx: Context, page: Page, intent: Intent, link: Link, seen: Seen) -> None:
    assert seen.event is not None
    item = page.item(link.item_id)
    assert item is not None
    if intent.op is Op.UPDATE:
        normal = ctx.connector.normalise(intent.target)
        shown = view(seen.event, ctx.setting.options, link.made_by).content
        link = updated(link, intent, shown, normal)
    decision = decide(link, item, ctx.present(seen), ctx.setting)
    apply(
        ctx,
        page,
        replace(decision, link=replace(decision.link, work=decision.link.work or intent.op is Op.DELETE)),
        item,
    )


def cancel_created(ctx: Context, page: Page, gone: Sequence[str]) -> None:
    """A ``Gone`` that names the address of an open create: it was made, and somebody deleted it (D4)."""
    addresses = set(gone)
    for intent in page.intents():
        if intent.op is Op.CREATE and intent.remote_id in addresses:
            link = page.links([intent.link_id]).get(intent.link_id)
            page.drop_intent(intent.id)
            if link is not None:
                made = replace(link, remote_id=intent.remote_id, uid=intent.uid, key=intent.key, sent=intent.target)
                page.put_link(replace(made, gone_at=ctx.now, gone_sure=True, work=False))


def drop_unfound(ctx: Context, before: Sequence[str]) -> None:
    """Creates that neither the look-up nor the delta found did not happen: decided anew from now (D4)."""
    if not before:
        return
    with ctx.store.page() as page:
        for intent in page.intents():
            if intent.op is Op.CREATE and intent.id in before:
                link = page.links([intent.link_id]).get(intent.link_id)
                page.drop_intent(intent.id)
                if link is not None:
                    page.put_link(replace(link, key=None, uid=None, work=True))
