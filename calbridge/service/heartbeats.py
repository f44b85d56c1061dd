"""Who is at work: workers and schedulers say so every few seconds, and whoever is silent counts as gone."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from calbridge.service.parts import Parts
from calbridge.store.heartbeats import Heartbeat

EVERY = timedelta(seconds=10)
ALIVE = timedelta(seconds=45)
"""Three beats missed and a little more: a process that is silent for longer is not counted any more."""
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ProcessView:
    """A process of the service. ``kind``: worker or scheduler; ``alive``: it was seen lately."""

    id: str
    kind: str
    host: str
    started_at: datetime
    seen_at: datetime
    alive: bool
    facts: Mapping[str, Any] = field(default_factory=dict)


def beat(parts: Parts, process_id: str, kind: str, started_at: datetime, **facts: Any) -> None:
    """Say that a process is at work. Raises DatabaseUnusable."""
    seen = Heartbeat(process_id, kind, socket.gethostname(), started_at, parts.clock.now(), facts)
    with parts.database.system_write() as system:
        system.heartbeats.save(seen)


def last_beat(parts: Parts, process_id: str) -> None:
    """A process ends as it should. Raises DatabaseUnusable."""
    with parts.database.system_write() as system:
        system.heartbeats.remove(process_id)


def list_processes(parts: Parts) -> list[ProcessView]:
    """All processes of the last day, by kind and id. Raises DatabaseUnusable."""
    now = parts.clock.now()
    with parts.database.system_read() as system:
        found = system.heartbeats.list(now - FORGOTTEN)
    return [
        ProcessView(
            each.id, each.kind, each.host, each.started_at, each.seen_at, now - each.seen_at <= ALIVE, each.facts
        )
        for each in found
    ]
