"""What to do with one pair (SYNC D3): pure and total.

:func:`decide` takes a link, its item and what was seen of its event, and answers with the link's new memories, the
item's new state, at most one write step and notes for the log. It never acts.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from calbridge.domain.content import (
    EMPTY,
    HIDDEN_FIELDS,
    NO_EDIT_FIELDS,
    Content,
    Field,
    Unit,
    Value,
    differing,
)
from calbridge.domain.event import Event
from calbridge.domain.item import Item
from calbridge.domain.options import Level, Options
from calbridge.domain.recurrence import last_end
from calbridge.domain.series import rekey
from calbridge.sync.memory import Link, LinkState, MadeBy
from calbridge.sync.merge import TIME, Conflict, Merged, Sides, merge
from calbridge.sync.project import (
    LEAVING,
    Detach,
    Projected,
    Projection,
    View,
    Withdraw,
    project,
    taken,
    unstopped,
    view,
)
from calbridge.sync.settle import Four as _Four
from calbridge.sync.settle import Rules, changed_here, same

REOPENED = "reopened"
"""Reason of a link whose integration came back to a former calendar, until its event was seen (D9)."""


@dataclass(frozen=True, slots=True)
class Present:
    """The event as it is at the service now."""

    event: Event
    version: str | None
    native: bytes | None = None
    adopting: bool = False
    normalised: Content = EMPTY


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing new was seen: the event is taken to be as last shown."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """The event's deletion was confirmed (D7)."""


Remote = Present | Unchanged | Vanished


@dataclass(frozen=True, slots=True)
class Setting:
    """Options and circumstances of a decision, as values."""

    options: Options
    integration_id: str
    now: datetime
    silent_update: bool = True
    leave_confirmed: bool = False

    @property
    def past_before(self) -> datetime:
        """What ended before this is past (F3)."""
        return self.now - timedelta(days=self.options.live_past_days)


class ItemAct(enum.StrEnum):
    """What happens to the item."""

    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"
    TELL = "tell"


@dataclass(frozen=True, slots=True)
class WriteCreate:
    """Make the event."""

    target: Content


@dataclass(frozen=True, slots=True)
class WriteUpdate:
    """Change these units of the event; ``target`` is the whole projection they come from."""

    units: Mapping[Unit, Value]
    rekeyed: Mapping[str, str | None]
    target: Content
    redact: bool = False


@dataclass(frozen=True, slots=True)
class WriteDelete:
    """Remove the event; ``withdrawal``: the item lives on."""

    withdrawal: bool = False


Step = WriteCreate | WriteUpdate | WriteDelete


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of :func:`decide`; ``forget`` drops the link and leaves its event as a known row."""

    link: Link
    item: Item | None = None
    act: ItemAct | None = None
    write: Step | None = None
    conflicts: tuple[Conflict, ...] = ()
    note: str | None = None
    forget: bool = False

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of what would be done, for a preview."""
        names = [f"item:{self.act.value}"] if self.act else []
        if self.write is not None:
            names.append({WriteCreate: "send:create", WriteUpdate: "send:update"}.get(type(self.write), "send:delete"))
        return tuple(names)


def decide(link: Link, item: Item, remote: Remote, setting: Setting) -> Decision:
    """The truth table of one pair."""
    if link.state is LinkState.CLOSED:
        return Decision(link)
    if isinstance(remote, Vanished):
        return _vanished(link, item, setting)
    if item.deleted:
        return _deleted_here(link, item, remote, setting)
    return _both_live(link, item, remote, setting)


def close(link: Link, reason: str, now: datetime) -> Link:
    """The link's end; its memories of text go, its address and UIDs stay (B4)."""
    return replace(
        _at(link, LinkState.CLOSED, reason, now),
        sent=EMPTY,
        shown=EMPTY,
        native=None,
        owed=frozenset(),
        withheld=frozenset(),
        gone_at=None,
        work=False,
        reread=False,
        retry_at=None,
        undone=(),
    )


def _at(link: Link, state: LinkState, reason: str | None, now: datetime) -> Link:
    """The link in a state; ``since`` moves only when state or reason does."""
    if link.state is state and link.reason == reason:
        return link
    return replace(link, state=state, reason=reason, since=now)


# --- the event is gone -------------------------------------------------------------------------------------------


def _vanished(link: Link, item: Item, setting: Setting) -> Decision:
    now, options = setting.now, setting.options
    if item.deleted:
        return Decision(close(link, "deleted", now))
    if link.reason == REOPENED:
        return Decision(link, note="event_gone_meanwhile", forget=True)
    projection = project(item, options, link.made_by, setting.integration_id)
    if link.state is LinkState.WITHDRAWN or isinstance(projection, Withdraw):
        reason = projection.reason if isinstance(projection, Withdraw) else link.reason
        return Decision(without_event(_at(link, LinkState.WITHDRAWN, reason, now)))
    if link.made_by is not MadeBy.THEM and item.origin not in (None, setting.integration_id):
        return Decision(close(link, "forwarded_copy_deleted", now), note="deletion_ignored")
    if _all_past(item.calendar_content(options.default_minutes), link, None, setting):
        return Decision(close(link, "past", now), note="past")
    if not (options.retrieve.delete and item.type in options.existence_linked):
        return Decision(close(link, "deletion_ignored", now), item, ItemAct.TELL, note="deletion_ignored")
    if _edit_beats_deletion(link, item, projection, setting):
        return _recreate(link, projection, setting)
    return Decision(close(link, "deleted_there", now), item, ItemAct.DELETE)


def _edit_beats_deletion(link: Link, item: Item, projection: Projection, setting: Setting) -> bool:
    if item.hidden or not isinstance(projection, Projected) or not projection.sends or not link.editable.details:
        return False
    rules = _rules(link, item, projection, None, setting)
    return _edited_here(link, projection, rules) and not rules.remote_deletion_wins()


def _edited_here(link: Link, projection: Projected, rules: Rules) -> bool:
    """Whether the PSA changed something since the last agreement; an owed unit is a change already decided."""
    units = projection.content.units.keys() | link.sent.units.keys()
    edits = (
        unit
        for unit in units
        if unit[1] not in NO_EDIT_FIELDS and unit[1] not in rules.mute and rules.may_edit(unit[1])
    )
    return any(
        changed_here(unit, _Four(link.sent.get(unit), None, projection.content.get(unit), None), rules)
        for unit in edits
    )


def _recreate(link: Link, projection: Projection, setting: Setting) -> Decision:
    """The event is made anew, under a new generation of the key (D4)."""
    assert isinstance(projection, Projected)
    fresh = replace(next_generation(link), made_by=MadeBy.US, work=True)
    return Decision(
        _at(fresh, LinkState.PENDING, "recreated", setting.now),
        write=WriteCreate(projection.content),
        note="edit_beats_deletion",
    )


def without_event(link: Link) -> Link:
    """What remains of a link when its event is not there: the former UIDs, no memories of content (D4)."""
    uids = link.old_uids | ({link.uid} if link.uid else set())
    return replace(
        link,
        remote_id=None,
        uid=None,
        sent=EMPTY,
        shown=EMPTY,
        seen_version=None,
        native=None,
        owed=frozenset(),
        withheld=frozenset(),
        gone_at=None,
        gone_sure=False,
        guests=False,
        work=False,
        reread=False,
        old_uids=frozenset(uids),
    )


def next_generation(link: Link) -> Link:
    """The link before another create."""
    return replace(without_event(link), generation=link.generation + 1, key=None)


# --- the item is deleted -----------------------------------------------------------------------------------------


def _deleted_here(link: Link, item: Item, remote: Remote, setting: Setting) -> Decision:
    now, options = setting.now, setting.options
    if link.remote_id is None:
        return Decision(close(link, "deleted", now))
    if link.state in {LinkState.DETACHED, LinkState.WITHDRAWN}:
        return Decision(close(link, "deleted", now))
    restored = replace(item, deleted_at=None)
    seen_now = view(remote.event, options, link.made_by) if isinstance(remote, Present) else None
    if _all_past(item.calendar_content(options.default_minutes), link, seen_now, setting):
        return Decision(close(link, "past", now), note="past")
    projection = project(restored, options, link.made_by, setting.integration_id)
    if isinstance(remote, Present):
        if _edit_there_beats_deletion(link, item, projection, remote, setting):
            found = _both_live(link, restored, remote, setting)
            return replace(found, item=found.item or restored, act=ItemAct.RESTORE, note="edit_beats_deletion")
        link = _shown(link, remote, view(remote.event, options, link.made_by))
    if isinstance(projection, Detach) or (link.made_by is not MadeBy.US and item.type not in options.send.types):
        return Decision(close(link, "deletion_not_sent", now), note="deletion_not_sent")
    if not link.editable.existence:
        return Decision(close(link, "deletion_not_sent", now), note="organised_elsewhere")
    if would_mail(link, setting):
        return Decision(replace(_at(link, LinkState.WOULD_MAIL, "would_mail", now), work=False))
    pending = replace(_at(link, LinkState.PENDING_DELETE, "deleted", now), work=True)
    return Decision(pending, write=WriteDelete())


def _edit_there_beats_deletion(
    link: Link, item: Item, projection: Projection, remote: Present, setting: Setting
) -> bool:
    """A visible edit on the linked side against the PSA's deletion (D3); what is withheld takes no part."""
    if not setting.options.retrieve.update or item.hidden or link.state is LinkState.WITHDRAWN:
        return False
    seen = view(remote.event, setting.options, link.made_by)
    if seen.level is not Level.FULL and link.level is Level.FULL:
        return False
    projected = projection if isinstance(projection, Projected) else Projected(link.sent)
    rules = _rules(link, item, projected, remote, setting, seen)
    edits = [unit for unit in differing(seen.content, link.shown) if unit[1] not in NO_EDIT_FIELDS]
    visible = any(unit[1] not in rules.mute for unit in edits)
    return visible and not rules.local_wins(deletion=True)


def would_mail(link: Link, setting: Setting) -> bool:
    """Whether writing this event would make the service mail its guests (A8)."""
    return link.guests and not setting.silent_update and not setting.options.invitations_all and not link.consent


# --- both are there ----------------------------------------------------------------------------------------------


def _both_live(link: Link, item: Item, remote: Remote, setting: Setting) -> Decision:
    projection = project(item, setting.options, link.made_by, setting.integration_id)
    if link.state is LinkState.DETACHED and not isinstance(projection, Projected):
        return Decision(replace(link, work=False, reread=False))
    if link.remote_id is None and not isinstance(remote, Present):
        return _no_event(link, item, projection, setting)
    seen = view(remote.event, setting.options, link.made_by) if isinstance(remote, Present) else None
    if seen is not None and seen.level is Level.SKIP and _copied_here(link, item, setting):
        return Decision(close(link, "private", setting.now), item, ItemAct.DELETE, note="private")
    if _is_past(link, item, seen, setting) and not _hides_now(link, item, seen, projection, setting):
        return Decision(replace(_at(link, LinkState.PAST, "past", setting.now), work=False, reread=False), note="past")
    return _merged(link, item, projection, remote, seen, setting)


def _copied_here(link: Link, item: Item, setting: Setting) -> bool:
    """Whether the item is a copy that this integration retrieved; the PSA's own is never hidden or removed (A9)."""
    return item.origin == setting.integration_id and link.made_by is not MadeBy.US


def _hides_now(link: Link, item: Item, seen: View | None, projection: Projection, setting: Setting) -> bool:
    """Whether text must go now: privacy comes before what is past."""
    erases = seen is not None and seen.level is not Level.FULL and not item.hidden and _copied_here(link, item, setting)
    redacts = isinstance(projection, Projected) and link.made_by is MadeBy.US and bool(projection.hidden)
    shows = any(
        name in HIDDEN_FIELDS and value != setting.options.busy_title for (_, name), value in link.sent.units.items()
    )
    return erases or (redacts and shows)


def _no_event(link: Link, item: Item, projection: Projection, setting: Setting) -> Decision:
    """A link without an address: the event is to be made, or not (yet)."""
    now = setting.now
    match projection:
        case Withdraw(reason) | Detach(reason):
            return Decision(replace(_at(link, LinkState.WITHDRAWN, reason, now), work=False))
    if not projection.sends:
        return Decision(replace(link, work=False))
    if not link.ranged and _ended_before(projection.content, setting):
        return Decision(replace(_at(link, LinkState.PAST, "past", now), work=False), note="past")
    if link.key is not None:
        link = next_generation(link)
    return Decision(
        replace(_at(link, LinkState.PENDING, link.reason, now), work=True), write=WriteCreate(projection.content)
    )


def _ended_before(shown: Content, setting: Setting) -> bool:
    end = last_end(shown)
    span = shown.span
    return end is not None and end < setting.past_before and span is not None and not span.recurring


def _is_past(link: Link, item: Item, seen: View | None, setting: Setting) -> bool:
    """F3: a single event is past only if all four states of it ended before the limit."""
    if link.state is LinkState.PAST and seen is None and link.sent.span is None:
        return _ended_before(item.calendar_content(setting.options.default_minutes), setting)
    return _all_past(item.calendar_content(setting.options.default_minutes), link, seen, setting)


def _all_past(shown: Content, link: Link, seen: View | None, setting: Setting) -> bool:
    states = [shown, link.sent, link.shown, *([seen.content] if seen else [])]
    timed = [state for state in states if state.span is not None]
    return link.sent.span is not None and bool(timed) and all(_ended_before(state, setting) for state in timed)


def _rules(
    link: Link,
    item: Item,
    projected: Projected,
    remote: Remote | None,
    setting: Setting,
    seen: View | None = None,
) -> Rules:
    options = setting.options
    level = seen.level if seen else link.level
    mute = projected.hidden | (HIDDEN_FIELDS if level is not Level.FULL else frozenset())
    event = remote.event if isinstance(remote, Present) else None
    return Rules(
        takes=options.retrieve.update and level is not Level.SKIP,
        unsent=projected.unsent,
        sends=projected.sends and not would_mail(_facts(link, event), setting),
        winner=options.conflict,
        editable=event.editable if event else link.editable,
        mute=mute,
        redacting=link.made_by is MadeBy.US and bool(projected.hidden) and not item.hidden,
        people_sent=options.invitations_all,
        adopting=isinstance(remote, Present) and remote.adopting,
        local_time=item.deleted_at or item.updated_at,
        remote_time=event.modified_at if event else None,
        owed=link.owed,
    )


def _facts(link: Link, event: Event | None) -> Link:
    """The link with what a newly seen event says about guests and rights."""
    if event is None:
        return link
    return replace(
        link,
        guests=event.content.guests,
        editable=event.editable,
        organised_here=event.organised_here,
        web_link=event.web_link,
    )


def _shown(link: Link, remote: Present, seen: View) -> Link:
    """``shown`` and ``seen_version`` move together (B1)."""
    return replace(
        _facts(link, remote.event),
        shown=seen.content,
        level=seen.level,
        seen_version=remote.version,
        reread=False,
        native=remote.native if seen.level is Level.FULL else None,
        uid=remote.event.uid or link.uid,
    )


def _merged(
    link: Link, item: Item, projection: Projection, remote: Remote, seen: View | None, setting: Setting
) -> Decision:
    item, erased = _hide_or_unhide(link, item, seen, setting)
    if erased:
        projection = project(item, setting.options, link.made_by, setting.integration_id)
    projected = projection if isinstance(projection, Projected) else _leaving(link, item, setting)
    now_seen = seen.content if seen else link.shown
    rules = _rules(link, item, projected, remote, setting, seen)
    shown = link.shown
    if erased == "shown":
        rules = replace(rules, mute=frozenset())
        shown = shown.without(HIDDEN_FIELDS)
    normalised = remote.normalised if isinstance(remote, Present) else EMPTY
    sides = Sides(link.sent, shown, projected.content, now_seen, normalised, setting.past_before)
    merged = merge(sides, rules)
    take = taken(merged.take, item, setting.options, link.made_by)
    changed = _changed_item(item, replace(merged, take=take), bool(erased))
    remembered = _shown(link, remote, seen) if isinstance(remote, Present) and seen else link
    return _conclude(remembered, item, changed, merged, now_seen, rules, setting, unhidden=erased == "shown")


def _leaving(link: Link, item: Item, setting: Setting) -> Projected:
    """What a last remote edit is merged with before our copy goes (B3); a placeholder is never taken for a text."""
    found = unstopped(item, setting.options, link.made_by, setting.integration_id)
    if link.sent.title == setting.options.busy_title and found.content.title != setting.options.busy_title:
        found = replace(found, hidden=HIDDEN_FIELDS)
    return found


def _hide_or_unhide(link: Link, item: Item, seen: View | None, setting: Setting) -> tuple[Item, str]:
    """Apply a changed retrieve level to text that syncing copied (A9)."""
    if seen is None or item.origin != setting.integration_id or link.made_by is MadeBy.US:
        return item, ""
    if seen.level is Level.FULL and item.hidden:
        return replace(item, hidden=False), "shown"
    if seen.level is Level.BUSY_ONLY and not item.hidden:
        return item.hiding(link.shown), "hidden"
    return item, ""


def _changed_item(item: Item, merged: Merged, erased: bool) -> Item | None:
    """The item with what was taken, its occurrences in the slots of the time that holds."""
    if not merged.take and not erased and not merged.moved:
        return None
    base = item.content
    if merged.span is not None and base.span is not None:
        base = rekey(base, merged.span).content
    after = item.taking(merged.take, base)
    return after if erased or differing(after.content, item.content) or after.due != item.due else None


def _conclude(
    link: Link,
    item: Item,
    changed: Item | None,
    merged: Merged,
    seen: Content,
    rules: Rules,
    setting: Setting,
    *,
    unhidden: bool,
) -> Decision:
    """Move the memories by unit and find out what is left to write."""
    current = changed or item
    again = project(current, setting.options, link.made_by, setting.integration_id)
    after = again.content if isinstance(again, Projected) else merged.projected
    hidden = again.hidden if isinstance(again, Projected) else frozenset()
    sent = merged.sent.with_units({unit: after.get(unit) for unit in merged.settled})
    if rules.mute:
        sent = Content({unit: value for unit, value in sent.units.items() if _remembered(unit, rules, hidden)})
    owed = _owed(merged, after, rules, sent, unhidden)
    link = replace(
        link,
        sent=sent,
        shown=merged.seen if not merged.moved or merged.span == seen.span else seen,
        owed=owed,
        withheld=((link.withheld | merged.withheld) - merged.settled) & frozenset(seen.units.keys() | merged.withheld),
        gone_at=None,
        gone_sure=False,
    )
    act = ItemAct.UPDATE if changed is not None else None
    return _with_step(link, changed, act, again, after, merged, seen, rules, setting)


def _remembered(unit: Unit, rules: Rules, hidden: frozenset[Field]) -> bool:
    """Hidden text is no memory; the placeholder of our own redaction is."""
    return unit[1] not in rules.mute or (rules.redacting and unit[1] in hidden)


def _owed(merged: Merged, after: Content, rules: Rules, sent: Content, unhidden: bool) -> frozenset[Unit]:
    """Units to write that the item's own changes do not show: lost edits, redactions, moved series, adoptions."""
    owed = set()
    for unit in merged.settled:
        differs = not same(unit, after.get(unit), merged.seen.get(unit))
        if differs and unit in merged.take and rules.local_field(unit[1]) and unit[1] not in rules.mute:
            owed.add(unit)
    for unit in merged.keep:
        if rules.adopting or unit in rules.owed or unit[1] in rules.mute or same(unit, after.get(unit), sent.get(unit)):
            owed.add(unit)
    if merged.moved and TIME in merged.keep:
        owed.add(TIME)
    return frozenset(unit for unit in owed if not unhidden or unit not in merged.take)


def _with_step(
    link: Link,
    changed: Item | None,
    act: ItemAct | None,
    projection: Projection,
    after: Content,
    merged: Merged,
    seen: Content,
    rules: Rules,
    setting: Setting,
) -> Decision:
    done = Decision(link, changed, act, conflicts=merged.conflicts)
    if isinstance(projection, Withdraw):
        return _withdraw(done, projection.reason, setting)
    if isinstance(projection, Detach):
        return replace(done, link=replace(_at(link, LinkState.DETACHED, projection.reason, setting.now), work=False))
    units = _to_write(link, after, merged, rules)
    if not units:
        state = LinkState.WITHHELD if link.withheld else LinkState.SYNCED
        return replace(done, link=replace(_at(link, state, None, setting.now), work=False, retry_at=None, tries=0))
    if would_mail(link, setting):
        return replace(done, link=replace(_at(link, LinkState.WOULD_MAIL, "would_mail", setting.now), work=False))
    if not rules.sends:
        return replace(done, link=replace(_at(link, LinkState.WITHHELD, "not_sent", setting.now), work=False))
    rekeyed = rekey(seen, merged.span).keys if merged.span is not None else {}
    step = WriteUpdate(_with_moved_times(units, merged, rekeyed), rekeyed, after, _redacts(projection, merged))
    state = link.state if link.state in {LinkState.FAILED, LinkState.FROZEN} else LinkState.PENDING
    return replace(done, link=replace(_at(link, state, link.reason, setting.now), work=True), write=step)


def _to_write(link: Link, after: Content, merged: Merged, rules: Rules) -> dict[Unit, Value]:
    wanted = {
        unit
        for unit in after.units.keys() | link.sent.units.keys()
        if not same(unit, after.get(unit), link.sent.get(unit)) or unit in link.owed
    } | (link.owed & (after.units.keys() | merged.seen.units.keys() | merged.keep))
    return {
        unit: after.get(unit)
        for unit in wanted
        if unit[0] not in merged.past
        and (rules.local_field(unit[1]) or unit[1] is Field.REMINDERS)
        and (unit[1] not in rules.mute or rules.redacting)
        and (rules.may_edit(unit[1]) or unit[1] is Field.VISIBILITY)
    }


def _with_moved_times(units: dict[Unit, Value], merged: Merged, rekeyed: Mapping[str, str | None]) -> dict[Unit, Value]:
    """Where the series moves, occurrences with a time of their own are written with it (A2)."""
    for new in rekeyed.values():
        own = merged.seen.get((new, Field.TIME)) if new is not None else None
        if new is not None and own is not None:
            units.setdefault((new, Field.TIME), own)
    return units


def _redacts(projection: Projected, merged: Merged) -> bool:
    """Whether this write hides what was visible: then unknown properties go too (A9)."""
    return bool(projection.hidden) and any(unit[1] in projection.hidden for unit in merged.keep)


def _withdraw(done: Decision, reason: str, setting: Setting) -> Decision:
    link = done.link
    if reason in LEAVING and not setting.leave_confirmed:
        waiting = replace(_at(link, LinkState.WITHHELD, "confirmation_needed", setting.now), work=False)
        return replace(done, link=waiting)
    if would_mail(link, setting):
        return replace(done, link=replace(_at(link, LinkState.WOULD_MAIL, "would_mail", setting.now), work=False))
    leaving = replace(_at(link, LinkState.PENDING_DELETE, reason, setting.now), work=True)
    return replace(done, link=leaving, write=WriteDelete(withdrawal=True))
