"""What to do with one pair (SYNC D3): pure and total.

:func:`decide` takes a link, its item and what was seen of its event, and answers with the link's new memories, the
item's new state, at most one write step and notes for the log. It never acts.
"""

from __future__ import annotations

from dataclasses import replace

from calbridge.domain.content import NO_EDIT_FIELDS, differing
from calbridge.domain.item import Item
from calbridge.domain.options import Level
from calbridge.sync.both_live import both_live
from calbridge.sync.circumstances import all_past, rules_of
from calbridge.sync.decisions import Decision, ItemAct, Present, Remote, Setting, Vanished, WriteCreate, WriteDelete
from calbridge.sync.memory import Link, LinkState, MadeBy
from calbridge.sync.project import Detach, Projected, Projection, Withdraw, project, view
from calbridge.sync.settle import Four, Rules, changed_here
from calbridge.sync.transitions import (
    REOPENED,
    close,
    in_state,
    next_generation,
    removed_by_us,
    with_shown,
    without_event,
    would_mail,
)


def decide(link: Link, item: Item, remote: Remote, setting: Setting) -> Decision:
    """The truth table of one pair."""
    if link.state is LinkState.CLOSED:
        return Decision(link)
    if isinstance(remote, Vanished):
        return _vanished(link, item, setting)
    if item.deleted:
        return _deleted_here(link, item, remote, setting)
    return both_live(link, item, remote, setting)


def _vanished(link: Link, item: Item, setting: Setting) -> Decision:
    now, options = setting.now, setting.options
    if item.deleted:
        return Decision(close(link, "deleted", now))
    if link.reason == REOPENED:
        return Decision(link, note="event_gone_meanwhile", forget=True)
    if link.state is LinkState.PENDING_DELETE and not link.waits:
        # Our own step took it: that is no deletion of theirs.
        return Decision(removed_by_us(link, now))
    projection = project(item, options, link.made_by, setting.integration_id)
    if link.state is LinkState.WITHDRAWN or isinstance(projection, Withdraw | Detach):
        reason = projection.reason if isinstance(projection, Withdraw | Detach) else link.reason
        return Decision(without_event(in_state(link, LinkState.WITHDRAWN, reason, now)))
    if link.made_by is not MadeBy.THEM and item.origin not in (None, setting.integration_id):
        return Decision(close(link, "forwarded_copy_deleted", now), note="deletion_ignored")
    if all_past(item.calendar_content(options.default_minutes), link, None, setting):
        return Decision(close(link, "past", now), note="past")
    if not (options.retrieve.delete and item.type in options.existence_linked):
        return Decision(close(link, "deletion_ignored", now), item, ItemAct.TELL, note="deletion_ignored")
    if _edit_beats_deletion(link, item, projection, setting):
        return _recreate(link, projection, setting)
    return Decision(close(link, "deleted_there", now), item, ItemAct.DELETE)


def _edit_beats_deletion(link: Link, item: Item, projection: Projection, setting: Setting) -> bool:
    if item.hidden or not isinstance(projection, Projected) or not projection.sends or not link.editable.details:
        return False
    rules = rules_of(link, item, projection, None, setting)
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
        changed_here(unit, Four(link.sent.get(unit), None, projection.content.get(unit), None), rules) for unit in edits
    )


def _recreate(link: Link, projection: Projection, setting: Setting) -> Decision:
    """The event is made anew, under a new generation of the key (D4)."""
    assert isinstance(projection, Projected)
    fresh = replace(next_generation(link), made_by=MadeBy.US, work=True)
    return Decision(
        in_state(fresh, LinkState.PENDING, "recreated", setting.now),
        write=WriteCreate(projection.content),
        note="edit_beats_deletion",
    )


def _deleted_here(link: Link, item: Item, remote: Remote, setting: Setting) -> Decision:
    now, options = setting.now, setting.options
    if link.remote_id is None:
        return Decision(close(link, "deleted", now))
    if link.state is LinkState.DETACHED:
        return Decision(close(link, "deletion_not_sent", now))
    if link.state is LinkState.WITHDRAWN:
        return Decision(close(link, "deleted", now))
    restored = replace(item, deleted_at=None)
    seen_now = view(remote.event, options, link.made_by) if isinstance(remote, Present) else None
    if all_past(item.calendar_content(options.default_minutes), link, seen_now, setting):
        return Decision(close(link, "past", now), note="past")
    projection = project(restored, options, link.made_by, setting.integration_id)
    if isinstance(remote, Present):
        if _edit_there_beats_deletion(link, item, projection, remote, setting):
            found = both_live(link, restored, remote, setting)
            return replace(found, item=found.item or restored, act=ItemAct.RESTORE, note="edit_beats_deletion")
        link = with_shown(link, remote, view(remote.event, options, link.made_by))
    if isinstance(projection, Detach) or (link.made_by is not MadeBy.US and item.type not in options.send.types):
        return Decision(close(link, "deletion_not_sent", now), note="deletion_not_sent")
    if not link.editable.existence:
        return Decision(close(link, "deletion_not_sent", now), note="organised_elsewhere")
    if would_mail(link, setting):
        return Decision(replace(in_state(link, LinkState.WOULD_MAIL, "would_mail", now), work=False))
    pending = replace(in_state(link, LinkState.PENDING_DELETE, "deleted", now), work=True)
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
    rules = rules_of(link, item, projected, remote, setting, seen)
    edits = [unit for unit in differing(seen.content, link.shown) if unit[1] not in NO_EDIT_FIELDS]
    visible = any(unit[1] not in rules.mute for unit in edits)
    return visible and not rules.local_wins(deletion=True)
