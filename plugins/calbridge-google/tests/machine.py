"""The state machine of the engine's own tests, with Google in the place of the memory service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from calbridge.connectors.contract import Connector
from calbridge.connectors.transport import Request, Transport
from calbridge.domain.event import Event
from calbridge.domain.fingerprint import KeyMaker
from calbridge.domain.options import Options
from calbridge.errors import ConnectorError
from calbridge.sync.engine import Outcome, Task, run
from calbridge.sync.in_memory import Tables
from calbridge.sync.memory import LinkState
from calbridge.sync.ports import Budget
from calbridge.sync.project import Projected, project
from calbridge.testing.memory import Crash
from calbridge_google.connector import GoogleConnector
from tests.doubles.google import ApiError, GoogleDouble, Quirks, google_double
from tests.servers.reaching import transport
from tests.unit.sync.machine import PICK, SyncMachine
from tests.unit.sync.world import ALL, Psa, World

from .door import Page
from .support import account

WRITES = ("events.insert", "events.patch", "events.delete")
READS = ("events.list", "events.get", "events.instances")
CALLS = st.sampled_from([*WRITES, *READS, "batch"])
FAILURES = {
    "backendError": ApiError(503, "backendError"),
    "rateLimitExceeded": ApiError(403, "rateLimitExceeded", domain="usageLimits"),
    "userRateLimitExceeded": ApiError(429, "userRateLimitExceeded", headers={"Retry-After": "1"}),
    "authError": ApiError(401, "authError"),
}


class Sent:
    """Counts requests, and stops the run like a power cut before the one that it is told."""

    def __init__(self) -> None:
        self.left: int | None = None

    def __call__(self, _: Request) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise Crash


class GoogleClock:
    """Google's clock, so that both sides agree about later."""

    def __init__(self, google: GoogleDouble) -> None:
        self._google = google

    def now(self) -> datetime:
        return self._google.now()


class GoogleWorld(World):
    """One user, one Google calendar, one integration."""

    def __init__(self, google: GoogleDouble, sending: Transport, options: Options) -> None:
        self.google = google
        self.clock = GoogleClock(google)  # type: ignore[assignment]
        self.keys = KeyMaker(b"k" * 32, "test", "t1")
        self.tables = Tables()
        self.psa = Psa(self)
        self.phone = Page(google)  # type: ignore[assignment]
        self._number = 0
        self._transport = sending
        self._account = account(google)
        self.link_calendar("A", google.user, options)

    def connector(self) -> Connector:
        return GoogleConnector(replace(self._account, keep_secret=self._keep), self._transport)

    def _keep(self, secret: str) -> None:
        self._account = replace(self._account, secret=secret)

    def run(self, task: Task | None = None, name: str = "A", budget: Budget | None = None) -> Outcome:
        self.google.advance(timedelta(minutes=1))
        return run(self.connector(), self.store(name), self.clock, self.keys, task, budget)

    def writes(self) -> int:
        return sum(self.google.count(operation) for operation in WRITES)


class GoogleMachine(SyncMachine):
    """Edits on both sides, and what goes wrong between."""

    quirks: Mapping[str, Any] = {}

    @initialize()
    def begin(self) -> None:  # type: ignore[override]
        self.stack = ExitStack()
        self.google = self.stack.enter_context(google_double(Quirks(**self.quirks)))
        self.sent = Sent()
        sending = transport(timeout=30.0, before_request=self.sent)
        self.world = GoogleWorld(self.google, self.stack.enter_context(sending), self.options)
        self.titles = 0
        self.try_run(Task(retrieve=ALL, send=ALL))

    def try_run(self, task: Task | None = None) -> None:
        with suppress(Crash, ConnectorError):
            self.world.run(task)
        self.google.heal()
        self.sent.left = None

    address_changes = None
    it_has_no_answer = None
    a_delta_lies = None

    @rule(number=st.integers(1, 6))
    def it_crashes(self, number: int) -> None:
        self.sent.left = number
        self.try_run()

    @rule(call=CALLS, lost=st.sampled_from(["reply", "request"]))
    def it_crashes_at(self, call: str, lost: str) -> None:  # type: ignore[override]
        getattr(self.google, f"lose_{lost}")(call, times=2)
        self.try_run()

    @rule(call=CALLS, reason=st.sampled_from(sorted(FAILURES)), times=st.integers(1, 3))
    def google_refuses(self, call: str, reason: str, times: int) -> None:
        self.google.fail(call, FAILURES[reason], times)
        self.try_run()

    @rule(call=CALLS, pick=PICK)
    def the_phone_interferes(self, call: str, pick: int) -> None:  # type: ignore[override]
        self.google.before(call, self._quietly(lambda: self.phone_edits_a_text(pick, place=True)))
        self.try_run()

    @rule(call=CALLS, pick=PICK)
    def the_phone_deletes_meanwhile(self, call: str, pick: int) -> None:
        self.google.before(call, self._quietly(lambda: self.phone_deletes(pick)))
        self.try_run()

    def _quietly(self, act: Callable[[], None]) -> Callable[[], None]:
        def once() -> None:
            with suppress(ApiError):
                act()

        return once

    @rule()
    def cursors_expire(self) -> None:
        self.google.expire_tokens()

    @rule()
    def access_ends_early(self) -> None:
        self.google.kill_access_tokens()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            super().teardown()
            assert self.google.breaches == []
        finally:
            self.stack.close()

    def become_quiet(self) -> None:
        world = self.world
        before = world.writes()
        for _ in range(3):
            world.confirm()
            self.google.advance(timedelta(hours=13))
            world.run(Task(compare=True))
            world.run()
        # A series takes a write for each visit that differs.
        visits = sum(len(item.content.keys) for item in world.psa.living())
        assert world.writes() - before <= 3 * (len(world.tables.links) + visits), "too many writes until quiet"

    def check_pairs(self, name: str) -> None:
        world = self.world
        options = world.tables.integrations[name].options
        events: Mapping[str, Event] = world.phone.events()
        connector = world.connector()  # type: ignore[attr-defined]
        for link in world.tables.links.values():
            item = world.tables.items[link.item_id]
            if link.state is LinkState.FROZEN:
                continue
            assert link.state not in {LinkState.FAILED, LinkState.PENDING_DELETE}, link
            if not link.live:
                continue
            assert link.remote_id in events, ("no event", link)
            assert not item.deleted, ("deleted here, alive there", link)
            projected = project(item, options, link.made_by, name)
            assert isinstance(projected, Projected), (projected, link)
            normal = connector.normalise(projected.content)
            shown = events[link.remote_id or ""].content
            for unit in projected.content.units.keys() | shown.units.keys():
                self.check_unit(unit, projected, normal, shown, item.hidden)

    def check_events_and_items(self, name: str) -> None:
        """Nobody is forgotten: every event and every item is linked, known or ended."""
        world = self.world
        links = list(world.tables.links.values())
        living = [link for link in links if link.live]
        assert len({link.remote_id for link in living}) == len(living)
        assert len({link.item_id for link in living}) == len(living)
        kept = {row.remote_id for row in world.tables.known.values()} | {link.remote_id for link in links}
        for remote_id, each in world.phone.events().items():
            assert remote_id in kept, ("an event nobody looks after", remote_id, each.content.title)
        for item in world.psa.living():
            assert any(link.item_id == item.id for link in links), ("an item forgotten", item)

    def check_no_doubles(self) -> None:
        titles = [each.content.title for each in self.world.phone.events().values() if each.content.title != "Busy"]
        assert len(set(titles)) == len(titles), ("doubled", titles)
        names = [item.content.title for item in self.world.psa.living() if not item.hidden]
        assert len(set(names)) == len(names), ("doubled here", names)

    def check_quiet(self) -> None:
        world = self.world
        assert self.google.mails == []
        before, items = world.writes(), dict(world.tables.items)
        world.run()
        world.run(Task(compare=True))
        assert world.writes() == before, "still writing"
        assert world.tables.items == items, "still changing items"
        assert not world.tables.intents
