"""Pairs of items and events, and events without a pair, as use cases answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LinkView:
    """One pair and where it stands."""

    integration_id: str
    item_id: str
    state: str
    reason: str | None
    since: datetime | None
    remote_id: str | None
    web_link: str | None
    synced_version: int
    made_by: str
    title: str | None
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownView:
    """An event of the linked calendar that has no link; its text is not kept, its times only where they were read."""

    id: str
    integration_id: str
    remote_id: str
    state: str
    code: str | None
    starts_at: datetime | None
    ends_at: datetime | None
