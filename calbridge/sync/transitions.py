"""A link on its way: its states, and what it remembers in each (SYNC B)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from calbridge.domain.content import EMPTY
from calbridge.domain.event import Event
from calbridge.domain.options import Level
from calbridge.sync.decisions import Present, Setting
from calbridge.sync.memory import Link, LinkState
from calbridge.sync.project import View

REOPENED = "reopened"
"""Reason of a link whose integration came back to a former calendar, until its event was seen (D9)."""


def close(link: Link, reason: str, now: datetime) -> Link:
    """The link's end; its memories of text go, its address and UIDs stay (B4)."""
    return replace(
        in_state(link, LinkState.CLOSED, reason, now),
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


def in_state(link: Link, state: LinkState, reason: str | None, now: datetime) -> Link:
    """The link in a state; ``since`` moves only when state or reason does."""
    if link.state is state and link.reason == reason:
        return link
    return replace(link, state=state, reason=reason, since=now)


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


def removed_by_us(link: Link, now: datetime) -> Link:
    """The link of a living item whose event we removed: whether it is made anew is decided from now (B3, D4)."""
    gone = without_event(replace(link, state=LinkState.WITHDRAWN, reason=link.reason or "withdrawn", since=now))
    return replace(gone, work=True)


def next_generation(link: Link) -> Link:
    """The link before another create."""
    return replace(without_event(link), generation=link.generation + 1, key=None)


def with_facts(link: Link, event: Event | None) -> Link:
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


def with_shown(link: Link, remote: Present, seen: View) -> Link:
    """``shown`` and ``seen_version`` move together (B1)."""
    return replace(
        with_facts(link, remote.event),
        shown=seen.content,
        level=seen.level,
        seen_version=remote.version,
        gone_at=None,
        gone_sure=False,
        reread=False,
        native=remote.native if seen.level is Level.FULL else None,
        uid=remote.event.uid or link.uid,
    )


def would_mail(link: Link, setting: Setting) -> bool:
    """Whether writing this event would make the service mail its guests (A8)."""
    return link.guests and not setting.silent_update and not setting.options.invitations_all and not link.consent
