"""Taking in one event that was read (SYNC C4, D2, D9, D10): to its link, to a new item, or to a known row."""

from __future__ import annotations

from dataclasses import replace

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Seen, Unreadable
from calbridge.domain.content import NO_EDIT_FIELDS, Field, differing
from calbridge.domain.event import Event
from calbridge.domain.item import Item
from calbridge.domain.options import Level
from calbridge.domain.recurrence import check_rule, last_end
from calbridge.errors import Rejected
from calbridge.sync.context import Context, apply, failed, known_row, log
from calbridge.sync.decide import decide
from calbridge.sync.decisions import Present
from calbridge.sync.memory import Direction, Intent, Known, KnownState, Link, LinkState, MadeBy, Op
from calbridge.sync.outcome import created
from calbridge.sync.ports import Page
from calbridge.sync.project import Projected, project, view
from calbridge.sync.windows import in_window

APPLIED = "applied:"
"""Marks the target that was written last, until the other side undoes it."""
COPY, LIVE, INDEX, PAIR = "copy", "live", "index", "pair"
"""How unlinked events are taken: a range run copies them, live sync copies new and changed ones, a baseline first
indexes all of them and then pairs what is unique on both sides (D9)."""
_STAYING = {"deletion_not_sent", "past"}
"""Endings that leave the event where it is, also when its item was deleted."""
_IGNORED_ENDINGS = {"deletion_ignored", "forwarded_copy_deleted", *_STAYING}


def observe(ctx: Context, page: Page, seen: Seen, mode: str) -> None:
    """Take in a fetched event in the page's transaction."""
    link = page.links_at([seen.remote_id]).get(seen.remote_id)
    if link is not None and link.state is not LinkState.CLOSED:
        _linked(ctx, page, link, seen)
        return
    if link is not None and _stays_closed(ctx, page, link, seen):
        page.put_known(known_row(ctx, seen, state=KnownState.ALREADY_HERE, code=link.reason))
        return
    _unlinked(ctx, page, seen, mode)


def _linked(ctx: Context, page: Page, link: Link, seen: Seen) -> None:
    item = page.item(link.item_id)
    if item is None:
        page.drop_link(link.id)
        return
    page.drop_known([seen.remote_id])
    decision = decide(replace(link, gone_at=None), item, _present(ctx, link, item, seen), ctx.setting)
    apply(ctx, page, replace(decision, link=_undone(link, decision.link)), item)


def _undone(before: Link, after: Link) -> Link:
    """D11: what we applied last and the other side changed again counts as undone."""
    edits = [unit for unit in differing(before.shown, after.shown) if unit[1] not in NO_EDIT_FIELDS]
    if not edits or not after.undone:
        return after
    return replace(after, undone=tuple((mark.removeprefix(APPLIED), at) for mark, at in after.undone))


def _present(ctx: Context, link: Link, item: Item, seen: Seen, *, adopting: bool = False) -> Present:
    projection = project(item, ctx.setting.options, link.made_by, ctx.integration.id) if adopting else None
    target = projection.content if isinstance(projection, Projected) else None
    return ctx.present(seen, adopting=adopting, projected=target)


def _stays_closed(ctx: Context, page: Page, link: Link, seen: Seen) -> bool:
    """B4: what was closed on purpose stays closed while its item lives; a stale sight of a deleted event is none."""
    if link.parked is not None:
        return link.parked == ctx.calendar
    if link.reason in _IGNORED_ENDINGS:
        item = page.item(link.item_id)
        return item is not None and (not item.deleted or link.reason in _STAYING)
    return link.reason != "private" and seen.version is not None and seen.version == link.seen_version


def _unlinked(ctx: Context, page: Page, seen: Seen, mode: str) -> None:
    event = seen.event
    assert event is not None
    intent = _named_by_intent(page, event)
    if intent is not None:
        finish_create(ctx, page, intent, seen)
        return
    known = page.known([seen.remote_id]).get(seen.remote_id)
    if known is not None and known.ignored:
        page.put_known(known_row(ctx, seen, code=known.code))
        return
    if mode == LIVE and known is not None and _only_listed_anew(ctx, known, event):
        page.put_known(known_row(ctx, seen, code=known.code))
        return
    state = why_not(ctx, page, event, seen)
    if state is not None:
        page.put_known(known_row(ctx, seen, state=state[0], code=state[1]))
        return
    if _readdressed(ctx, page, event, seen) or _adopted(ctx, page, event, seen, mode):
        return
    mode = _owed_since(ctx, known, seen, mode)
    code = _not_copied(ctx, event, mode)
    if code is not None or mode in {INDEX, PAIR}:
        page.put_known(_indexed(ctx, page, seen, code, mode))
        return
    copy_event(ctx, page, event, seen)


def _only_listed_anew(ctx: Context, known: Known, event: Event) -> bool:
    """Another version alone is no news where all is listed, as a service may give every event another one (D6)."""
    return ctx.listed_anew and known.state is KnownState.KNOWN and not known.recheck and _as_known(ctx, known, event)


def _as_known(ctx: Context, known: Known, event: Event) -> bool:
    """Whether a known row stands for the same appointment as far as can be told: its time and title."""
    start = event.content.span.start.instant() if event.content.span else None
    return not known.indexed or (known.match, known.first_start) == (ctx.keys.match(event.content), start)


def _owed_since(ctx: Context, known: Known | None, seen: Seen, mode: str) -> str:
    """An event that gave no answer when it was listed is taken as it would have been then (D6)."""
    if mode != LIVE or known is None or seen.event is None or known.state is not KnownState.KNOWN:
        return mode
    if known.ranged is not None and in_window(seen.event.content, known.ranged, ctx.integration.time_zone):
        return COPY
    if known.version is None or known.code is not None or not known.recheck:
        return mode
    same = known.version == seen.version or (ctx.listed_anew and _as_known(ctx, known, seen.event))
    return PAIR if same else mode


def _indexed(ctx: Context, page: Page, seen: Seen, code: str | None, mode: str) -> Known:
    """The row of a baseline; it is looked at again when all are listed, if an item could be this event."""
    row = known_row(ctx, seen, code=code)
    if mode != INDEX or code is not None or ctx.integration.baselined:
        return row
    return replace(row, recheck=any(adoptable(ctx, page, item) for item in page.items_matching(None, row.match)))


def _named_by_intent(page: Page, event: Event) -> Intent | None:
    """C4: an event with the key or UID of an open create is that create's outcome."""
    creates = (intent for intent in page.intents() if intent.op is Op.CREATE)
    return next(
        (
            intent
            for intent in creates
            if (event.marker and event.marker == intent.key) or (intent.uid and event.uid == intent.uid)
        ),
        None,
    )


def finish_create(ctx: Context, page: Page, intent: Intent, seen: Seen) -> None:
    """The open create made this event: link it, and let whatever differs count as an edit (D4)."""
    assert seen.event is not None
    link = page.links([intent.link_id]).get(intent.link_id)
    page.drop_intent(intent.id)
    item = page.item(link.item_id) if link else None
    if link is None or item is None:
        return
    found = replace(intent, remote_id=seen.remote_id, uid=seen.event.uid)
    normal = ctx.connector.normalise(intent.target)
    atomic = ctx.ability(Ability.ATOMIC_SERIES)
    shown = view(seen.event, ctx.setting.options, MadeBy.US).content
    linked = created(link, found, shown, normal, atomic=atomic, exact=False)
    page.drop_known([seen.remote_id])
    log(ctx, page, "create", Direction.SEND, linked, item)
    ctx.wrote = True
    apply(ctx, page, decide(linked, item, ctx.present(seen), ctx.setting), item)


def why_not(ctx: Context, page: Page, event: Event, seen: Seen) -> tuple[KnownState, str] | None:
    """Why an event may neither be copied nor adopted."""
    if event.marker:
        owner = page.key_owner(event.marker)
        if owner is not None and owner.integration_id != ctx.integration.id and (owner.live or not owner.same_user):
            return KnownState.MANAGED_ELSEWHERE, "managed_elsewhere"
    for link in page.links_with_uid([event.uid]) if event.uid else []:
        if link.remote_id == seen.remote_id:
            continue
        if link.live and link.uid == event.uid and link.gone_at is None:
            page.put_link(replace(link, gone_at=ctx.now, gone_sure=False))
            return KnownState.ALREADY_HERE, "already_here"
        if _holds_former(page, link, event):
            return KnownState.ALREADY_HERE, "already_here"
    if event.uid and page.linked_elsewhere(event.uid):
        return KnownState.ALREADY_HERE, "already_here"
    return None


def _holds_former(page: Page, link: Link, event: Event) -> bool:
    """Whether the event is a former copy whose item lives on under this link."""
    item = page.item(link.item_id)
    if item is None or item.deleted:
        return False
    if link.state is LinkState.CLOSED:
        return link.reason in _IGNORED_ENDINGS
    if link.state is LinkState.DETACHED:
        return True
    return event.uid in link.old_uids and link.remote_id is not None and link.gone_at is None


def _readdressed(ctx: Context, page: Page, event: Event, seen: Seen) -> bool:
    """The event of a link at another address (D7), or a withdrawn copy that came back (C4)."""
    for link in page.links_with_uid([event.uid]) if event.uid else []:
        item = page.item(link.item_id)
        if item is None or link.state is LinkState.CLOSED:
            continue
        if link.gone_at is not None and link.uid == event.uid:
            moved = replace(link, remote_id=seen.remote_id, gone_at=None, gone_sure=False, seen_version=None)
            page.drop_known([seen.remote_id])
            apply(ctx, page, decide(moved, item, _present(ctx, moved, item, seen), ctx.setting), item)
            return True
        if link.remote_id is None and event.uid in link.old_uids:
            return _restored(ctx, page, link, item, seen)
    return False


def _restored(ctx: Context, page: Page, link: Link, item: Item, seen: Seen) -> bool:
    projection = project(item, ctx.setting.options, link.made_by, ctx.integration.id)
    if item.deleted or not isinstance(projection, Projected) or _has_intent(page, link):
        page.put_known(known_row(ctx, seen, state=KnownState.ALREADY_HERE, code="already_here"))
        return True
    _adopt(ctx, page, replace(link, remote_id=seen.remote_id, made_by=MadeBy.US), item, seen)
    return True


def _has_intent(page: Page, link: Link) -> bool:
    return any(intent.link_id == link.id for intent in page.intents())


def _adopted(ctx: Context, page: Page, event: Event, seen: Seen, mode: str) -> bool:
    """D9: an unlinked item that is this event, unique on both sides."""
    if view(event, ctx.setting.options, MadeBy.ADOPTED).level is Level.SKIP:
        return False
    owner = page.key_owner(event.marker) if event.marker else None
    if owner is not None and owner.integration_id != ctx.integration.id:
        item = page.item(owner.item_id)
        link = page.links_of([owner.item_id]).get(owner.item_id)
        if item is not None and not item.deleted and (link is None or not link.holds_item):
            adopt(ctx, page, item, seen, MadeBy.US, _free(link))
            return True
    match = ctx.keys.match(event.content)
    items = page.items_matching(event.uid or None, None)
    if not items and mode != INDEX:
        items = page.items_matching(None, match)
    items = [item for item in items if adoptable(ctx, page, item)]
    if not items:
        return False
    rivals = [
        row for row in page.known_matching(None, match, None) if row.adoptable and row.remote_id != seen.remote_id
    ]
    twins = ctx.batch_matches.get(match or "", 0) > 1
    by_uid = len(items) == 1 and bool(event.uid) and items[0].ical_uid == event.uid
    if len(items) > 1 or ((rivals or twins) and not by_uid):
        page.put_known(known_row(ctx, seen, state=KnownState.AMBIGUOUS, code="ambiguous"))
        for rival in rivals:
            page.put_known(replace(rival, state=KnownState.AMBIGUOUS, code="ambiguous"))
        return True
    adopt(ctx, page, items[0], seen, MadeBy.ADOPTED, _free(page.links_of([items[0].id]).get(items[0].id)))
    return True


def _free(link: Link | None) -> Link | None:
    """A link without an event can take one; a parked one stays for its own calendar."""
    return link if link is not None and link.parked is None else None


def adoptable(ctx: Context, page: Page, item: Item) -> bool:
    """Whether an unlinked item may be paired: it would be sent, its text is known, no step of it is open."""
    link = page.links_of([item.id]).get(item.id)
    if link is not None and (_has_intent(page, link) or link.holds_item):
        return False
    projection = project(item, ctx.setting.options, MadeBy.US, ctx.integration.id)
    return isinstance(projection, Projected) and not item.hidden


def adopt(ctx: Context, page: Page, item: Item, seen: Seen, made_by: MadeBy, link: Link | None) -> None:
    """Pair an item with an event and merge both once."""
    fresh = link or Link(ctx.keys.new_id(), item.id, since=ctx.now)
    key = seen.event.marker if seen.event and made_by is MadeBy.US else fresh.key
    _adopt(ctx, page, replace(fresh, remote_id=seen.remote_id, made_by=made_by, key=key), item, seen)


def _adopt(ctx: Context, page: Page, link: Link, item: Item, seen: Seen) -> None:
    page.drop_known([seen.remote_id])
    log(ctx, page, "adopt", Direction.RETRIEVE, link, item)
    ctx.count("adopted")
    apply(ctx, page, decide(link, item, _present(ctx, link, item, seen, adopting=True), ctx.setting), item)


def _not_copied(ctx: Context, event: Event, mode: str) -> str | None:
    """Why a new event stays a known row."""
    options = ctx.setting.options.retrieve
    seen = view(event, ctx.setting.options, MadeBy.THEM)
    if seen.level is Level.SKIP:
        return "private"
    if mode == LIVE and not options.create:
        return "not_retrieved"
    if event.content.span is None:
        return "unscheduled"
    skip = options.skip
    mine = event.content.units.get(("", Field.MY_RESPONSE))
    categories = event.content.units.get(("", Field.CATEGORIES)) or ()
    if (
        (skip.declined and mine == "declined")
        or (skip.free and event.content.units.get(("", Field.SHOW_AS)) == "free")
        or (skip.all_day and event.content.span.start.is_date)
        or (isinstance(categories, tuple) and set(skip.categories) & set(categories))
    ):
        return "skipped"
    end = last_end(event.content) if mode == LIVE else None
    if end is not None and end < ctx.setting.past_before:
        return "past"
    return _too_fine(event)


def _too_fine(event: Event) -> str | None:
    try:
        check_rule(event.content.span.rule if event.content.span else ())
    except Rejected as refused:
        return refused.code
    return None


def copy_event(ctx: Context, page: Page, event: Event, seen: Seen) -> None:
    """A new appointment of My Calendar (A3)."""
    shown = view(event, ctx.setting.options, MadeBy.THEM)
    item = page.add_item(
        Item(
            id=ctx.keys.new_id(),
            user_id=ctx.integration.user_id,
            content=shown.content,
            hidden=shown.level is not Level.FULL,
            origin=ctx.integration.id,
            ical_uid=event.uid or None,
        )
    )
    projection = project(item, ctx.setting.options, MadeBy.THEM, ctx.integration.id)
    sent = projection.content if isinstance(projection, Projected) else shown.content
    link = Link(
        id=ctx.keys.new_id(),
        item_id=item.id,
        remote_id=seen.remote_id,
        uid=event.uid,
        made_by=MadeBy.THEM,
        state=LinkState.SYNCED,
        since=ctx.now,
        # One object where both say the same: it is kept, and encoded, once.
        sent=shown.content if sent.units == shown.content.units else sent,
        shown=shown.content,
        seen_version=seen.version,
        native=seen.native if shown.level is Level.FULL else None,
        level=shown.level,
        editable=event.editable,
        organised_here=event.organised_here,
        guests=event.content.guests,
        web_link=event.web_link,
        synced_version=item.version,
    )
    page.put_link(link)
    page.drop_known([seen.remote_id])
    ctx.wrote = True
    ctx.count("items_created")
    log(ctx, page, "create", Direction.RETRIEVE, link, item)


def unreadable(ctx: Context, page: Page, row: Unreadable) -> None:
    """Quarantine: one bad event never stops the rest, and is no deletion (D6)."""
    ctx.count("unreadable")
    link = page.links_at([row.remote_id]).get(row.remote_id)
    if link is not None and link.live:
        page.put_link(replace(failed(link, row.code, ctx.now, permanent=True), gone_at=None))
        return
    known = page.known([row.remote_id]).get(row.remote_id) or Known(row.remote_id)
    page.put_known(
        replace(known, version=row.version, state=KnownState.QUARANTINED, code=row.code, recheck=False, indexed=True)
    )
