"""The state machine over several kinds of lossy services. ``MACHINE_EXAMPLES`` asks for more of it."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from calbridge.testing.memory import Switches
from tests.unit.sync.machine import FoundMachine, SyncMachine, TemplatesMachine, TwoCalendarsMachine

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "40"))

SERVICES = {
    "exact": Switches(),
    "slow to tell": Switches(events_inline=False, repeats_and_reorders=True, page_size=2),
    "fragments": Switches(splits_series_into_fragments=True, server_made_ids=True, page_size=3),
    "rewriting": Switches(rewrites_after_write=True, truncates_titles=40, renames_zones=True, rewrites_html=True),
    "unreliable": Switches(loses_reply=0.2, loses_request=0.2, unavailable=0.1, fetch_unknown=0.2, throttles=0.1),
    "in steps": Switches(half_written_series=0.4, drops_exceptions_on_time_change=True),
    "moving": Switches(changes_ids=True, no_versions=True),
    "careless": Switches(ignores_preconditions=True, version_restarts=True),
    "stable": Switches(stable_addresses=True, cancelled_becomes_deletion=True),
}


def drive(machine: type[SyncMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=18,
            deadline=None,
            derandomize="MACHINE_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("name", SERVICES)
def test_both_sides_mean_the_same_when_it_is_quiet(name: str) -> None:
    class Machine(SyncMachine):
        switches = SERVICES[name]

    drive(Machine)


@pytest.mark.parametrize("name", ["exact", "fragments", "unreliable"])
def test_two_calendars_of_one_user_are_kept_apart_or_forwarded_as_told(name: str) -> None:
    class Machine(TwoCalendarsMachine):
        switches = SERVICES[name]

    drive(Machine)


@pytest.mark.parametrize("name", ["slow to tell", "fragments", "unreliable", "careless"])
def test_what_was_there_before_is_left_alone_until_somebody_touches_it(name: str) -> None:
    class Machine(FoundMachine):
        switches = SERVICES[name]

    drive(Machine)


@pytest.mark.parametrize("name", ["exact", "fragments", "rewriting", "unreliable"])
def test_framed_titles_are_kept_the_same_too(name: str) -> None:
    class Machine(TemplatesMachine):
        switches = SERVICES[name]

    drive(Machine)
