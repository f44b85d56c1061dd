"""Whatever happens to subscriptions - crashes, lost answers, refusals, switches, time - no change is missed for good.

Polling is kept out of it: what is found is found because the service told of it, or because somebody knew that it may
not have told.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from calbridge.errors import PermissionMissing, Throttled, Unavailable
from calbridge.service import integrations, tenant_settings
from calbridge.service.requests import carry_out
from calbridge.testing.memory.faults import Crash
from tests.integration.service.conftest import made_world
from tests.integration.service.pushing import BASE, Listener, deliver, look_after, pass_time, rows, subscribed
from tests.integration.service.world import TENANT, World, event

POINTS = st.sampled_from(["watch.before", "watch.after", "unwatch.before", "unwatch.after"])
FAULTS = st.sampled_from(["crash", "lost", "refused", "throttled"])


class WatchMachine(RuleBasedStateMachine):
    """One integration whose calendar changes while its subscriptions come and go."""

    migrated: Path

    @initialize()
    def start(self) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(self.migrated, folder / "calbridge.db")
        self.world: World = self.stack.enter_context(made_world(folder, None, CALBRIDGE_PUBLIC_URL=BASE))
        self.world.parts = replace(self.world.parts, dispatcher=Listener())
        self.world.connect()
        self.run_what_is_due()
        self.number = 0
        self.active, self.pushes = True, True

    @rule(point=POINTS, fault=FAULTS)
    def look_with_trouble(self, point: str, fault: str) -> None:
        """Somebody looks after subscriptions, and it goes wrong at this point, if it is passed."""
        errors = {
            "crash": Crash(),
            "lost": Unavailable("lost"),
            "refused": PermissionMissing(),
            "throttled": Throttled(retry_after=600),
        }
        self.world.memory.io.once(1, point, errors[fault])
        with suppress(Crash):
            look_after(self.world)
        self.world.memory.io.clear()

    @rule()
    def look(self) -> None:
        look_after(self.world)

    @rule(minutes=st.sampled_from([2, 6, 90]), days=st.sampled_from([0, 0, 1, 6, 8]))
    def time_passes(self, minutes: int, days: int) -> None:
        pass_time(self.world, minutes=minutes, days=days)

    @rule(active=st.booleans())
    def switch(self, active: bool) -> None:
        integrations.change_integration(self.world.parts, TENANT, self.world.integration_id, active=active)
        self.active = active

    @rule(mechanism=st.sampled_from(["auto", "polling"]))
    def choose(self, mechanism: str) -> None:
        tenant_settings.change_settings(self.world.parts, TENANT, {"mechanism": mechanism})
        self.pushes = mechanism == "auto"

    @rule()
    def something_changes(self) -> None:
        self.number += 1
        self.world.memory.phone.create(event(f"Event {self.number}", day="2028-06-01"))

    @rule()
    def something_changes_after_a_long_silence(self) -> None:
        """No subscription lasts so long."""
        self.notices_arrive()
        self.run_what_is_due()
        pass_time(self.world, days=8)
        self.something_changes()

    @rule(point=POINTS)
    def something_changes_behind_a_crash(self, point: str) -> None:
        """While one is replaced by another."""
        self.notices_arrive()
        self.run_what_is_due()
        pass_time(self.world, days=6)
        self.look_with_trouble(point, "crash")
        self.something_changes()

    @rule()
    def notices_arrive(self) -> None:
        assert {each.status for each in deliver(self.world)} <= {202, 204}

    @rule()
    def run_what_is_due(self) -> None:
        """Without any poll."""
        with self.world.parts.database.write(TENANT) as work:
            work.integrations.save(self.world.integration_id, next_poll_at=None)
        carry_out(self.world.parts, TENANT, self.world.integration_id, budget_seconds=None)

    @invariant()
    def few_are_kept(self) -> None:
        if hasattr(self, "world"):
            assert len(rows(self.world)) <= 3

    def teardown(self) -> None:
        """All is well again: what is wanted is there, what is not is gone, and every change was found."""
        if not hasattr(self, "world"):
            return
        try:
            self._comes_to_rest()
        finally:
            self.stack.close()

    def _comes_to_rest(self) -> None:
        for _ in range(3):
            # Longer than the longest pause after a refusal.
            pass_time(self.world, hours=7)
            look_after(self.world)
        deliver(self.world)
        self.run_what_is_due()
        if not (self.active and self.pushes):
            assert rows(self.world) == []
            return
        (kept,) = rows(self.world)
        assert kept.status == "live"
        assert kept.id in {each.id for each in subscribed(self.world)}
        self._nothing_is_missing()
        self.something_changes()
        deliver(self.world)
        self.run_what_is_due()
        self._nothing_is_missing()

    def _nothing_is_missing(self) -> None:
        assert self.world.titles() == sorted(f"Event {number + 1}" for number in range(self.number))
