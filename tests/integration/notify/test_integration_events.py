"""Webhooks hear when an integration is cut off, works again, or waits for somebody's word: each once, in order."""

from __future__ import annotations

from calbridge.errors import Unavailable
from calbridge.service import accounts, sync
from calbridge.service.deliveries import deliver
from calbridge.service.tick import tick
from tests.integration.notify.receiver import Receiver, hook
from tests.integration.service.world import ALICE, TENANT, World, event, visit

KINDS = ["integration.not_connected", "integration.connected", "run.waiting"]


def test_an_outage_and_its_end_are_told_for_each_integration_of_the_account(both: World, receiver: Receiver) -> None:
    made = hook(both, receiver, events=KINDS)
    both.connect()
    first = both.integration_id
    both.connect(calendar_id="second")
    both.sync()
    assert receiver.got == []
    both.memory.refuse_sign_in(confirmed=True)
    both.sync()
    both.memory.accept_sign_in()
    both.clock.advance(hours=1)
    accounts.put_account(both.parts, TENANT, first, {"username": ALICE, "password": "new"})
    deliver(both.parts, TENANT, made.id, 30)
    for integration in (first, both.integration_id):
        heard = [each for each in receiver.got if each.subject == integration]
        assert [each.type for each in heard] == ["integration.not_connected", "integration.connected"]
        assert [each.body["data"]["code"] for each in heard] == ["sign_in_required"] * 2
        assert heard[0].body["timestamp"] == heard[0].body["data"]["at"] == "2027-01-04T08:00:00Z"
        for each in heard:
            each.verify(made.secret)
    assert receiver.got[0].body["data"]["integration"] == {
        "id": receiver.got[0].subject,
        "user_id": ALICE,
        "service": "memory",
        "active": True,
        "status": "connected",
        "reason": None,
    }


def test_a_long_outage_that_ends_by_itself_is_told_once(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver, events=KINDS)
    world.connect()
    world.sync()

    def down(point: str) -> None:
        raise Unavailable(code="host_unreachable")

    world.memory.io.hooks.append(down)
    for _ in range(30):
        tick(world.parts)
        world.clock.advance(minutes=3)
    world.memory.io.clear()
    world.clock.advance(minutes=20)
    tick(world.parts)
    deliver(world.parts, TENANT, made.id, 30)
    assert receiver.types() == KINDS[:2]


def test_a_run_that_waits_for_a_word_is_told_once_until_it_was_given(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver, events=KINDS, user_id=ALICE)
    world.connect()
    world.sync()
    for number in range(40):
        world.memory.phone.create(event(f"Event {number}"))
    world.sync()
    for remote_id in list(world.memory.phone.events())[:30]:
        world.memory.phone.delete(remote_id)
    runs = []
    for _ in range(3):
        world.clock.advance(minutes=15)
        runs.append(world.sync())
    assert [run.status for run in runs] == ["waiting"] * 3
    deliver(world.parts, TENANT, made.id, 30)
    assert receiver.types() == ["run.waiting"]
    told = receiver.got[0].body["data"]
    assert (told["run_id"], told["code"], told["integration_id"]) == (
        runs[0].id,
        "confirmation_needed",
        world.integration_id,
    )
    sync.confirm(world.parts, TENANT, world.integration_id)
    world.clock.advance(minutes=15)
    assert world.sync().status == "succeeded"
    world.clock.advance(days=2)
    for remote_id in list(world.memory.phone.events()):
        world.memory.phone.delete(remote_id)
    world.memory.phone.create(event("Last"))
    assert world.sync().status == "succeeded"
    deliver(world.parts, TENANT, made.id, 30)
    assert receiver.types() == ["run.waiting"]


def test_what_happens_to_an_integration_is_no_entry_of_the_change_feed(world: World, receiver: Receiver) -> None:
    hook(world, receiver, events=KINDS)
    world.connect()
    world.sync()
    world.memory.refuse_sign_in(confirmed=True)
    world.sync()
    world.put("call-1", **visit())
    with world.parts.database.read(TENANT) as work:
        assert [(each.seq, each.op) for each in work.changes_after(0, 10)] == [(2, "create")]
