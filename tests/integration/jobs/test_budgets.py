"""Quotas of the services: counted for all workers, waited for a little, and then yielded to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from redis import Redis

from calbridge.connectors.contract import RequestLimit
from calbridge.connectors.registry import Registry
from calbridge.connectors.transport import Request
from calbridge.jobs.budgets import RedisBudgets, key_of
from calbridge.jobs.connections import quick
from calbridge.service import requests
from calbridge.service.budgets import Budget, budgets_of, paced, project_budgets
from calbridge.service.status import status, tenant_status
from calbridge.store.accounts import StoredAccount
from tests.integration.service.world import TENANT, World, event, memory_spec
from tests.servers.redis import RedisServer

TEN_A_MINUTE = Budget("mailbox", 10, 60)
THREE_A_MINUTE = Budget("project", 3, 60)
REQUEST = Request("GET", "https://calendar.example/")


def test_so_many_requests_go_at_once_and_the_next_one_waits_for_its_share(redis: Redis) -> None:
    one, other = RedisBudgets(redis), RedisBudgets(redis)
    assert [each.take([TEN_A_MINUTE]) for each in (one, other) * 5] == [0.0] * 10
    assert 5.0 < one.take([TEN_A_MINUTE]) <= 6.0
    assert 0 < redis.pttl(key_of(TEN_A_MINUTE)) <= 62_000


def test_what_one_budget_refuses_is_counted_in_none(redis: Redis) -> None:
    budgets = RedisBudgets(redis)
    for _ in range(3):
        assert budgets.take([TEN_A_MINUTE, THREE_A_MINUTE]) == 0.0
    for _ in range(20):
        assert 19.0 < budgets.take([TEN_A_MINUTE, THREE_A_MINUTE]) <= 20.0
    assert [budgets.take([TEN_A_MINUTE]) for _ in range(7)] == [0.0] * 7
    assert budgets.take([TEN_A_MINUTE]) > 0


def test_a_batch_counts_as_all_its_calls_and_never_for_more_than_there_is(redis: Redis) -> None:
    budgets = RedisBudgets(redis)
    assert budgets.take([TEN_A_MINUTE], 4) == 0.0
    assert budgets.take([TEN_A_MINUTE], 6) == 0.0
    assert 23.0 < budgets.take([TEN_A_MINUTE], 4) <= 24.0
    assert budgets.take([THREE_A_MINUTE], 50) == 0.0
    assert 59.0 < budgets.take([THREE_A_MINUTE], 50) <= 60.0


def test_the_used_share_of_each_budget_is_told(redis: Redis) -> None:
    budgets = RedisBudgets(redis)
    assert budgets.used([TEN_A_MINUTE, THREE_A_MINUTE]) == [0.0, 0.0]
    budgets.take([TEN_A_MINUTE], 5)
    assert budgets.used([TEN_A_MINUTE, THREE_A_MINUTE]) == [pytest.approx(0.5, abs=0.02), 0.0]
    assert RedisBudgets(quick("unix:///nowhere/redis.sock")).used([TEN_A_MINUTE]) is None


def test_status_tells_how_much_of_each_project_s_quota_is_used(world: World, redis: Redis) -> None:
    spec = replace(memory_spec(), limits=(RequestLimit("mailbox", 9, 60), RequestLimit("project", 10, 60)))
    budgets = RedisBudgets(redis)
    parts = replace(world.parts, registry=replace(world.parts.registry, specs=(spec,)), budgets=budgets)
    budgets.take([budget for _, budget in project_budgets([spec])], 5)
    assert status(parts).budgets == {"memory": pytest.approx(0.5, abs=0.02)}
    assert tenant_status(parts, TENANT).budgets == {}


def test_where_nobody_counts_everything_may_be_sent(redis_process: RedisServer) -> None:
    budgets = RedisBudgets(quick("unix:///nowhere/redis.sock"))
    assert [budgets.take([THREE_A_MINUTE]) for _ in range(10)] == [0.0] * 10


def test_a_mailbox_and_a_project_are_counted_and_no_address_is_told() -> None:
    spec = replace(memory_spec(), limits=(RequestLimit("mailbox", 600, 60), RequestLimit("project", 10_000, 60)))
    account = StoredAccount("a1", "memory", "alice@example.com", user_id="alice")
    mailbox, project = budgets_of(spec, account)
    assert (mailbox.requests, project.requests) == (600, 10_000)
    assert "alice" not in mailbox.name
    (same, _) = budgets_of(spec, replace(account, id="a2"))
    assert same == mailbox
    (different, shared) = budgets_of(spec, replace(account, username="bob@example.com"))
    assert different != mailbox
    assert shared == project


class Told:
    """Budgets that answer what the test says, one after the other."""

    def __init__(self, *answers: float) -> None:
        self.answers = list(answers)

    def take(self, budgets: Sequence[Budget], calls: int = 1) -> float:
        return self.answers.pop(0)

    def used(self, budgets: Sequence[Budget]) -> None:
        return None


def limited(world: World) -> Registry:
    spec = replace(memory_spec(), limits=(RequestLimit("project", 1, 60),))
    return replace(world.parts.registry, specs=(spec,))


def test_a_short_wait_comes_before_the_lease_is_looked_at(world: World) -> None:
    parts = replace(world.parts, registry=limited(world), budgets=Told(0.01, 0.01, 0.0))
    account = StoredAccount("a1", "memory", "alice", user_id="alice")
    left: list[int] = []

    def look(_: Request) -> None:
        assert isinstance(parts.budgets, Told)
        left.append(len(parts.budgets.answers))

    before = paced(parts, parts.registry.specs[0], account, look)
    assert before is not None
    before(REQUEST)
    assert left == [0]


def test_a_run_without_a_share_yields_and_is_no_outage(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    asked = requests.request_sync(world.parts, TENANT, world.integration_id)
    spent = replace(world.parts, registry=limited(world), budgets=Told(*[50.0] * 3))
    world.memory.io.once(1, "changes.before", lambda: paced_request(world, spent))
    (ran,) = requests.carry_out(spent, TENANT, world.integration_id, budget_seconds=60)
    assert (ran.id, ran.status, ran.reason) == (asked.id, "partial", "budget_spent")
    assert world.integration().status == "connected"
    assert world.integration().reason is None
    with world.parts.database.system_read() as system:
        assert system.sweep.due() == []
    world.clock.advance(seconds=51)
    with world.parts.database.system_read() as system:
        assert [each.integration_id for each in system.sweep.due()] == [world.integration_id]
    (ran,) = requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=60)
    assert ran.status == "succeeded"
    assert world.titles() == ["Lunch"]
    assert world.watcher.told == []


def paced_request(world: World, spent: object) -> None:
    """The memory service sends nothing, so its one request is paced by hand."""
    account = StoredAccount("a1", "memory", "alice", user_id="alice")
    before = paced(spent, limited(world).specs[0], account, None)  # type: ignore[arg-type]
    assert before is not None
    before(REQUEST)


@pytest.mark.parametrize("limits", [(), (RequestLimit("mailbox", 1, 1),)])
def test_a_service_without_quotas_costs_nothing(world: World, limits: tuple[RequestLimit, ...]) -> None:
    spec = replace(memory_spec(), limits=limits)
    account = StoredAccount("a1", "memory", "alice", user_id="alice")
    assert (paced(world.parts, spec, account, None) is None) == (not limits)
