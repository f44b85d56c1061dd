"""What the scheduler asks the database: what is due, and whose turn a duty is."""

from __future__ import annotations

from calbridge.service.heartbeats import FORGOTTEN
from calbridge.service.parts import Parts
from calbridge.store.slots import claim
from calbridge.store.sweep import Due


def due_now(parts: Parts, limit: int = 1000) -> list[Due]:
    """Integrations with something to do, tenants in turn. Raises DatabaseUnusable."""
    with parts.database.system_read() as system:
        return system.sweep.due(limit=limit)


def claim_slot(parts: Parts, duty: str, seconds: float, owner: str) -> bool:
    """Whether the present slot of a duty is the caller's. Raises DatabaseUnusable."""
    with parts.database.system_write() as system:
        return claim(system.connection, duty, seconds, owner)


def forget_processes(parts: Parts) -> int:
    """Drop signs of processes that were not seen for a day; how many. Raises DatabaseUnusable."""
    with parts.database.system_write() as system:
        return system.heartbeats.forget(parts.clock.now() - FORGOTTEN)
