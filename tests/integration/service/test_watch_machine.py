"""Subscriptions, driven at random. ``WATCH_EXAMPLES`` makes it drive longer."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.service.watch_machine import WatchMachine

EXAMPLES = int(os.environ.get("WATCH_EXAMPLES", "20"))


def test_no_change_is_missed_whatever_happens_to_subscriptions(migrated: Path) -> None:
    class Machine(WatchMachine):
        pass

    Machine.migrated = migrated
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            derandomize="WATCH_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
