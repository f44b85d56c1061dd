"""A pair whose sides are merged: the item with what was taken, memories by unit, and what is left to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from calbridge.domain.content import EMPTY, HIDDEN_FIELDS, Content, Field, Unit, Value, differing
from calbridge.domain.item import Item
from calbridge.domain.options import Level
from calbridge.domain.series import rekey
from calbridge.sync.circumstances import rules_of
from calbridge.sync.decisions import Decision, ItemAct, Present, Remote, Setting, WriteDelete, WriteUpdate
from calbridge.sync.memory import Link, LinkState, MadeBy
from calbridge.sync.merge import TIME, Merged, Sides, merge
from calbridge.sync.project import LEAVING, Detach, Projected, Projection, View, Withdraw, project, taken, unstopped
from calbridge.sync.settle import Rules, same
from calbridge.sync.transitions import in_state, with_shown, would_mail


def merged_pair(
    link: Link, item: Item, projection: Projection, remote: Remote, seen: View | None, setting: Setting
) -> Decision:
    """Merge what changed on both sides and conclude; a copy that is to leave is merged a last time first (B3)."""
    item, erased = _hide_or_unhide(link, item, seen, setting)
    if erased:
        projection = project(item, setting.options, link.made_by, setting.integration_id)
    projected = projection if isinstance(projection, Projected) else _leaving(link, item, setting)
    now_seen = seen.content if seen else link.shown
    rules = rules_of(link, item, projected, remote, setting, seen)
    shown = link.shown
    if erased == "shown":
        rules = replace(rules, mute=frozenset())
        shown = shown.without(HIDDEN_FIELDS)
    normalised = remote.normalised if isinstance(remote, Present) else EMPTY
    sides = Sides(link.sent, shown, projected.content, now_seen, normalised, setting.past_before)
    merged = merge(sides, rules)
    take = taken(merged.take, item, setting.options, link.made_by)
    changed = _changed_item(item, replace(merged, take=take), bool(erased))
    remembered = with_shown(link, remote, seen) if isinstance(remote, Present) and seen else link
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
        return replace(
            done, link=replace(in_state(link, LinkState.DETACHED, projection.reason, setting.now), work=False)
        )
    units = _to_write(link, after, merged, rules)
    if not units:
        state = LinkState.WITHHELD if link.withheld else LinkState.SYNCED
        return replace(done, link=replace(in_state(link, state, None, setting.now), work=False, retry_at=None, tries=0))
    if would_mail(link, setting):
        return replace(done, link=replace(in_state(link, LinkState.WOULD_MAIL, "would_mail", setting.now), work=False))
    if not rules.sends:
        return replace(done, link=replace(in_state(link, LinkState.WITHHELD, "not_sent", setting.now), work=False))
    rekeyed = rekey(seen, merged.span).keys if merged.span is not None else {}
    step = WriteUpdate(_with_moved_times(units, merged, rekeyed), rekeyed, after, _redacts(projection, merged))
    state = link.state if link.state in {LinkState.FAILED, LinkState.FROZEN} else LinkState.PENDING
    return replace(done, link=replace(in_state(link, state, link.reason, setting.now), work=True), write=step)


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
        waiting = replace(in_state(link, LinkState.WITHHELD, "confirmation_needed", setting.now), work=False)
        return replace(done, link=waiting)
    if would_mail(link, setting):
        return replace(done, link=replace(in_state(link, LinkState.WOULD_MAIL, "would_mail", setting.now), work=False))
    leaving = replace(in_state(link, LinkState.PENDING_DELETE, reason, setting.now), work=True)
    return replace(done, link=leaving, write=WriteDelete(withdrawal=True))
