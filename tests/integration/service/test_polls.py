"""Polls of many integrations that were switched on together are spread, and stay spread (DESIGN: Jobs)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from calbridge.service import integrations, sync, users
from tests.integration.service.world import TENANT, MemoryDoor, World, fresh_memory

MANY = 60
PAUSE = timedelta(minutes=15)


def switched_on(world: World) -> list[str]:
    """Integrations of as many users, all activated at the same time."""
    made = []
    for number in range(MANY):
        user = f"user{number}"
        MemoryDoor.services[user] = fresh_memory()
        users.put_user(world.parts, TENANT, user)
        made.append(
            integrations.add_integration(
                world.parts,
                TENANT,
                user_id=user,
                service="memory",
                account={"username": user, "password": "secret"},
                calendar_id="main",
                active=True,
            ).id
        )
    return made


def waits(world: World, ids: list[str]) -> list[float]:
    """After a run of each: the part of the pause until the next look."""
    found = []
    for each in ids:
        sync.sync_integration(world.parts, TENANT, each)
        at = integrations.get_integration(world.parts, TENANT, each).next_run_at
        assert at is not None
        found.append((at - world.clock.now()) / PAUSE)
    return found


def test_the_first_polls_are_spread_over_the_whole_pause_and_later_ones_drift(world: World) -> None:
    ids = switched_on(world)
    first = waits(world, ids)
    assert all(0.1 <= each <= 1 for each in first)
    assert max(Counter(int(each * 10) for each in first).values()) <= MANY / 4, "no tenth has the many"
    world.clock.advance(minutes=15)
    later = waits(world, ids)
    assert all(0.9 <= each <= 1.1 for each in later)
    assert max(later) - min(later) > 0.1
