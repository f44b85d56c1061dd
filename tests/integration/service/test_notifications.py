"""Notices that services push: believed only whole, taken up once, and cheap."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event as sql_event

from calbridge.connectors.contract import Heard
from calbridge.errors import Refused
from calbridge.service import integrations, notifications
from calbridge.service.requests import carry_out
from calbridge.testing.memory.state import Pushed
from tests.integration.service.conftest import made_world
from tests.integration.service.pushing import BASE, Listener, deliver, due_no, look_after, post, subscribed, taken
from tests.integration.service.world import TENANT, World, event


@pytest.fixture
def world(tmp_path: Path, migrated: Path) -> Iterator[World]:
    """A subscribed integration with nothing to do."""
    shutil.copy(migrated, tmp_path / "calbridge.db")
    with made_world(tmp_path, None, CALBRIDGE_PUBLIC_URL=BASE) as made:
        made.parts = replace(made.parts, dispatcher=Listener())
        made.connect()
        look_after(made)
        made.sync()
        deliver(made)
        assert carry_out(made.parts, TENANT, made.integration_id, budget_seconds=None) == []
        told(made).clear()
        made.memory.io.clear()
        yield made


def told(world: World) -> list[object]:
    assert isinstance(world.parts.dispatcher, Listener)
    return world.parts.dispatcher.told  # type: ignore[return-value]


def a_change(world: World, title: str = "Lunch") -> Pushed:
    """An event made at the service, and the notice of it."""
    world.memory.phone.create(event(title))
    (notice,) = taken(world)
    return notice


def runs_of(world: World) -> int:
    return len(carry_out(world.parts, TENANT, world.integration_id, budget_seconds=None))


def statements(world: World) -> list[str]:
    """What is asked of the database from now on."""
    seen: list[str] = []
    sql_event.listen(
        world.parts.database.engine, "before_cursor_execute", lambda *given: seen.append(" ".join(given[2].split()))
    )
    return seen


def test_a_notice_raises_what_is_due_and_calls_nobody(world: World) -> None:
    notice = a_change(world)
    before = due_no(world)
    answer = post(world, notice.address, notice.headers)
    assert (answer.status, answer.body) == (202, b"")
    assert due_no(world) == before + 1
    assert len(told(world)) == 1
    assert world.memory.io.passed == []
    assert runs_of(world) == 1
    assert world.titles() == ["Lunch"]


def test_a_burst_is_one_trigger_and_writes_once(world: World) -> None:
    notice = a_change(world)
    before = due_no(world)
    seen = statements(world)
    for _ in range(1000):
        post(world, notice.address, notice.headers)
    assert due_no(world) == before + 1
    assert len(told(world)) == 1
    writes = [each for each in seen if each.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(writes) == 1, writes
    assert runs_of(world) == 1


def test_a_burst_over_many_threads_is_a_few_triggers(world: World) -> None:
    notice = a_change(world)
    before = due_no(world)

    def some() -> None:
        for _ in range(25):
            post(world, notice.address, notice.headers)

    threads = [threading.Thread(target=some) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert before < due_no(world) <= before + len(threads)
    assert runs_of(world) == 1


def test_what_changes_behind_a_run_that_has_read_is_for_the_next_one(world: World) -> None:
    first = a_change(world, "First")
    post(world, first.address, first.headers)

    def meanwhile() -> None:
        for number in range(20):
            second = a_change(world, f"Second {number}")
            post(world, second.address, second.headers)

    before = due_no(world)
    world.memory.io.once(1, "changes.after", meanwhile)
    world.sync()
    assert world.titles() == ["First"]
    assert due_no(world) == before + 1, "twenty notices during a run are one trigger"
    assert runs_of(world) == 1
    assert len(world.titles()) == 21


def test_a_failed_run_does_not_swallow_the_next_notice(world: World) -> None:
    notice = a_change(world)
    post(world, notice.address, notice.headers)
    world.memory.io.fail("changes.before", ZeroDivisionError())
    assert world.sync().status == "failed"
    before = due_no(world)
    post(world, notice.address, notice.headers)
    assert due_no(world) == before + 1


def test_the_first_notice_of_a_subscription_is_no_change(world: World) -> None:
    (made,) = subscribed(world)
    before = due_no(world)
    first = {"x-memory-id": made.id, "x-memory-token": made.token, "x-memory-state": "sync"}
    assert post(world, made.address, first).status == 202
    assert due_no(world) == before


@pytest.mark.parametrize("field", ["x-memory-id", "x-memory-token"])
@pytest.mark.parametrize("wrong", [None, "", "guessed", "\udcff", "é"])
def test_who_has_not_both_is_answered_alike_and_not_believed(world: World, field: str, wrong: str | None) -> None:
    notice = a_change(world)
    headers = {**notice.headers, field: wrong} if wrong is not None else dict(notice.headers)
    if wrong is None:
        del headers[field]
    before = due_no(world)
    assert post(world, notice.address, headers).status == 202
    assert due_no(world) == before
    assert told(world) == []


def test_an_unknown_address_is_answered_as_the_service_wants_and_its_body_is_not_read(world: World) -> None:
    notice = a_change(world)

    def unread() -> bytes:
        raise AssertionError("the body of an unknown address is not read")

    found = notifications.address_of(world.parts, "memory", "A" * 43)
    assert not found.known
    incoming = notifications.Incoming(notice.headers, {}, unread)
    assert notifications.hear(world.parts, found, incoming).status == 204


def test_an_address_is_one_connectors_own(world: World) -> None:
    notice = a_change(world)
    with pytest.raises(Refused) as refused:
        post(world, notice.address.replace("/memory/", "/other/"), notice.headers, connector="other")
    assert refused.value.code == "path_not_found"


def test_a_service_that_asks_for_proof_gets_it(world: World) -> None:
    (made,) = subscribed(world)
    answer = post(world, f"{made.address}?challenge=words", {})
    assert (answer.status, answer.content_type, answer.body) == (200, "text/plain", b"words")


def test_a_paused_integration_is_not_woken(world: World) -> None:
    notice = a_change(world)
    integrations.change_integration(world.parts, TENANT, world.integration_id, active=False)
    before = due_no(world)
    with world.parts.database.write(TENANT) as work:
        work.integrations.clear_due(world.integration_id, before)
    assert post(world, notice.address, notice.headers).status == 202
    assert due_no(world) == before


def _breaks(notice: object) -> object:
    raise ZeroDivisionError


def _lies(notice: object) -> object:
    return Heard(None, status=302)


@pytest.mark.parametrize("reader", ["_breaks", "_lies", "not_there"])
def test_a_reader_that_breaks_its_promise_is_answered_for(world: World, reader: str) -> None:
    notice = a_change(world)
    (spec,) = world.parts.registry.specs
    broken = replace(spec, notices=f"{__name__}:{reader}")
    world.parts = replace(world.parts, registry=replace(world.parts.registry, specs=(broken,)))
    if reader == "not_there":
        with pytest.raises(Refused) as refused:
            post(world, notice.address, notice.headers)
        assert refused.value.code == "path_not_found"
    else:
        assert post(world, notice.address, notice.headers).status == 204
