"""The engine and the connector together under random histories, with faults (``MACHINE_EXAMPLES`` asks for more)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import GoogleMachine

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "15"))

SERVICES: dict[str, dict[str, Any]] = {
    "drops": {"on_master_move": "drops", "page_size": 3, "empty_pages": True},
    "keeps": {"on_master_move": "keeps", "exceptions_first": True, "batch_shuffled": True},
    "shifts": {"on_master_move": "shifts", "instance_touches_master": True, "exceptions_follow_master": True},
}


@pytest.mark.parametrize("name", SERVICES)
def test_both_sides_mean_the_same_when_it_is_quiet(name: str) -> None:
    class Machine(GoogleMachine):
        quirks = SERVICES[name]

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=18,
            deadline=None,
            derandomize="MACHINE_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
