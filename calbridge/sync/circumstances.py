"""What holds of a pair whatever is decided: whether it is past, and the rules that its units follow (SYNC D3, F3)."""

from __future__ import annotations

from calbridge.domain.content import HIDDEN_FIELDS, Content
from calbridge.domain.item import Item
from calbridge.domain.options import Level
from calbridge.domain.recurrence import last_end
from calbridge.sync.decisions import Present, Remote, Setting
from calbridge.sync.memory import Link, LinkState, MadeBy
from calbridge.sync.project import Projected, View
from calbridge.sync.settle import Rules
from calbridge.sync.transitions import with_facts, would_mail


def all_past(shown: Content, link: Link, seen: View | None, setting: Setting) -> bool:
    """Whether all four states ended before the limit: what the item shows, what was sent, shown and is seen (F3)."""
    states = [shown, link.sent, link.shown, *([seen.content] if seen else [])]
    timed = [state for state in states if state.span is not None]
    return link.sent.span is not None and bool(timed) and all(ended_before(state, setting) for state in timed)


def ended_before(shown: Content, setting: Setting) -> bool:
    """Whether a single event is past; a series never is."""
    end = last_end(shown)
    span = shown.span
    return end is not None and end < setting.past_before and span is not None and not span.recurring


def is_past(link: Link, item: Item, seen: View | None, setting: Setting) -> bool:
    """F3: a single event is past only if all four states of it ended before the limit."""
    if link.state is LinkState.PAST and seen is None and link.sent.span is None:
        return ended_before(item.calendar_content(setting.options.default_minutes), setting)
    return all_past(item.calendar_content(setting.options.default_minutes), link, seen, setting)


def rules_of(
    link: Link,
    item: Item,
    projected: Projected,
    remote: Remote | None,
    setting: Setting,
    seen: View | None = None,
) -> Rules:
    """What holds for every unit of this pair, as :mod:`calbridge.sync.settle` asks for it."""
    options = setting.options
    level = seen.level if seen else link.level
    mute = projected.hidden | (HIDDEN_FIELDS if level is not Level.FULL else frozenset())
    event = remote.event if isinstance(remote, Present) else None
    return Rules(
        takes=options.retrieve.update and level is not Level.SKIP,
        unsent=projected.unsent,
        sends=projected.sends and not would_mail(with_facts(link, event), setting),
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
