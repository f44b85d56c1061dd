"""Item and event are both there, or the event is still to be made (SYNC D3)."""

from __future__ import annotations

from dataclasses import replace

from calbridge.domain.content import HIDDEN_FIELDS
from calbridge.domain.item import Item
from calbridge.domain.options import Level
from calbridge.sync.circumstances import ended_before, is_past
from calbridge.sync.decisions import Decision, ItemAct, Present, Remote, Setting, WriteCreate
from calbridge.sync.memory import Link, LinkState, MadeBy
from calbridge.sync.merged_pair import merged_pair
from calbridge.sync.project import Detach, Projected, Projection, View, Withdraw, project, view
from calbridge.sync.transitions import close, in_state, next_generation


def both_live(link: Link, item: Item, remote: Remote, setting: Setting) -> Decision:
    """What to do where neither side was deleted."""
    projection = project(item, setting.options, link.made_by, setting.integration_id)
    if link.state is LinkState.DETACHED and not isinstance(projection, Projected):
        return Decision(replace(link, work=False, reread=False))
    if link.remote_id is None and not isinstance(remote, Present):
        return _no_event(link, item, projection, setting)
    seen = view(remote.event, setting.options, link.made_by) if isinstance(remote, Present) else None
    if seen is not None and seen.level is Level.SKIP and _copied_here(link, item, setting):
        return Decision(close(link, "private", setting.now), item, ItemAct.DELETE, note="private")
    if is_past(link, item, seen, setting) and not _hides_now(link, item, seen, projection, setting):
        return Decision(
            replace(in_state(link, LinkState.PAST, "past", setting.now), work=False, reread=False), note="past"
        )
    return merged_pair(link, item, projection, remote, seen, setting)


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
            return Decision(replace(in_state(link, LinkState.WITHDRAWN, reason, now), work=False))
    if not projection.sends:
        return Decision(replace(link, work=False))
    if not link.ranged and ended_before(projection.content, setting):
        return Decision(replace(in_state(link, LinkState.PAST, "past", now), work=False), note="past")
    if link.key is not None:
        link = next_generation(link)
    return Decision(
        replace(in_state(link, LinkState.PENDING, link.reason, now), work=True), write=WriteCreate(projection.content)
    )
