"""Optional, for connectors that claim ``PUSH``: subscriptions, and what their notices say."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import HEARD_STATUSES, Notice, Subscription, Watch, Watching
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.harness import WatchedHarness
from calbridge.testing.conformance.samples import single

Call = Callable[[Watching, Subscription], Watch]
JUNK = (
    Notice({}),
    Notice({"content-type": "application/json", "x": "\udcff" * 300}, {"a": "\x00"}, b"\xff\x00{" * 50),
    Notice({}, {}, b"<a>" * 1000),
    Notice({}, known=False),
)


class WatchTests(Suite):
    """C12: the harness is a :class:`WatchedHarness`."""

    @pytest.fixture
    def kit(self, harness: WatchedHarness) -> Driver:
        """Patience around a harness that keeps the notices."""
        return Driver(harness)

    def test_a_change_is_told_to_who_subscribed(self, kit: Driver) -> None:
        """C12.watch: it has an end in the future, and a change is told under its id and token; what came before says
        that nothing changed."""
        wanted, watch = subscribed(kit)
        assert watch.expires_at.tzinfo is not None
        assert watch.expires_at > harness_of(kit).now
        assert (wanted.id, wanted.token) not in changed(kit)
        kit.harness.phone.create(single(kit.harness.today))
        assert (wanted.id, wanted.token) in changed(kit)

    def test_it_goes_on_under_a_fresh_subscription(self, kit: Driver) -> None:
        """C12.renew: changes are told under the fresh id, and it has an end of its own."""
        _, former = subscribed(kit)
        wanted, watch = subscribed(kit, lambda by, fresh: by.renew(kit.harness.calendar, former, fresh))
        assert watch.expires_at > harness_of(kit).now
        kit.harness.phone.create(single(kit.harness.today))
        assert (wanted.id, wanted.token) in changed(kit)

    def test_what_ended_tells_nothing_and_ends_as_often_as_one_likes(self, kit: Driver) -> None:
        """C12.unwatch: afterwards changes are not told; again, or of what never was, it does nothing."""
        wanted, watch = subscribed(kit)
        for _ in range(2):
            kit.read(lambda: watching(kit).unwatch(kit.harness.calendar, watch))
        kit.read(lambda: watching(kit).unwatch(kit.harness.calendar, Watch("never was", watch.expires_at)))
        changed(kit)
        kit.harness.phone.create(single(kit.harness.today))
        assert (wanted.id, wanted.token) not in changed(kit)

    def test_a_reader_bears_anything(self, kit: Driver) -> None:
        """C12.notices: of what is no notice it names no subscription, and raises nothing; it asks nobody, and says the
        same of the same."""
        wanted, _ = subscribed(kit)
        kit.harness.phone.create(single(kit.harness.today))
        told = harness_of(kit).pushed()
        read = harness_of(kit).reader
        for notice in (*JUNK, *told):
            heard = read(notice)
            assert heard == read(notice)
            assert heard.status in HEARD_STATUSES
            assert (heard.id is None) == (notice in JUNK)
        assert {read(each).id for each in told} == {wanted.id}


def harness_of(kit: Driver) -> WatchedHarness:
    """The kit's harness, which keeps notices."""
    assert isinstance(kit.harness, WatchedHarness)
    return kit.harness


def watching(kit: Driver) -> Watching:
    """A fresh connector that can subscribe."""
    connector = kit.harness.connector()
    assert connector.capabilities.offers(Ability.PUSH)
    assert isinstance(connector, Watching)
    return connector


def subscribed(kit: Driver, ask: Call | None = None) -> tuple[Subscription, Watch]:
    """What was asked for in the end, and what the service answered; each try has an id of its own."""
    asked: list[Subscription] = []

    def call() -> Watch:
        name = secrets.token_hex(16)
        asked.append(Subscription(name, f"https://calbridge.example.com/kit/{name}", secrets.token_urlsafe(32)))
        by = watching(kit)
        return by.watch(kit.harness.calendar, asked[-1]) if ask is None else ask(by, asked[-1])

    watch = kit.read(call)
    return asked[-1], watch


def changed(kit: Driver) -> set[tuple[str | None, str | None]]:
    """Ids and tokens under which a change was told since the last look."""
    heard = [harness_of(kit).reader(notice) for notice in harness_of(kit).pushed()]
    return {(each.id, each.token) for each in heard if each.changed}
