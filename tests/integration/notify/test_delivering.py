"""Messages arrive signed, in order for each item, at least once under the same id, whatever the endpoint does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import event as events

from calbridge.errors import Refused
from calbridge.service import hosts, items, webhooks
from calbridge.service.change_views import change_views
from calbridge.service.deliveries import deliver, list_deliveries, redeliver, webhooks_due
from calbridge.service.delivering import PARALLEL, WAVE
from calbridge.service.parts import NoDispatcher, open_parts
from calbridge.service.views import to_json
from calbridge.service.webhook_views import DeliveryReport
from tests.integration.notify.receiver import Cut, Got, Receiver, hook, ok, status
from tests.integration.service.world import ALICE, TENANT, World, event, registry, visit
from tests.integration.transport.wire_server import say

ROOT = Path(__file__).resolve().parents[3]


def turn(world: World, webhook_id: str, seconds: float = 30) -> DeliveryReport:
    return deliver(world.parts, TENANT, webhook_id, seconds)


def until_quiet(world: World, webhook_id: str) -> int:
    """Deliver again and again, the clock moving on by a minute in between; how many turns it took."""
    for number in range(1, 3000):
        turn(world, webhook_id)
        if all(each.status != "pending" for each in list_deliveries(world.parts, TENANT, webhook_id, limit=500)):
            return number
        world.clock.advance(minutes=1)
    raise AssertionError("it never comes to rest")


def test_a_message_is_the_feed_s_own_words_signed(both: World, receiver: Receiver) -> None:
    made = hook(both, receiver)
    both.put("call-1", **visit("Repair ☃"))
    assert webhooks_due(both.parts) == webhooks_due(both.parts, TENANT) == [(TENANT, made.id)]
    assert webhooks_due(both.parts, "other") == []
    assert turn(both, made.id) == DeliveryReport(1, 0, left=False)
    (got,) = receiver.got
    got.verify(made.secret)
    with both.parts.database.read(TENANT) as work:
        (change,) = change_views(work, work.changes_after(0, 10))
    assert got.body == {"type": "item.created", "timestamp": "2027-01-04T08:00:00Z", "data": to_json(change)}
    (shown,) = list_deliveries(both.parts, TENANT, made.id)
    assert (shown.id, shown.status, shown.answered, shown.attempts, shown.item_id) == (
        got.id,
        "delivered",
        204,
        1,
        change.item_id,
    )
    assert webhooks_due(both.parts) == []
    assert turn(both, made.id) == DeliveryReport(0, 0, left=False)
    assert receiver.wrong == []


def test_what_a_run_changes_is_told_like_any_change(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    world.sync()
    turn(world, made.id)
    (got,) = receiver.got
    assert (got.type, got.body["data"]["source"]["door"]) == ("item.created", "sync")
    assert got.body["data"]["item"]["title"] == "Lunch"


def test_a_message_tells_the_item_as_it_is_when_it_is_sent(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit("First"))
    world.put("call-1", title="Second")
    world.put("call-2", **visit("Gone"))
    items.delete_item(world.parts, TENANT, ALICE, "ext:call-2")
    turn(world, made.id)
    told = [(each.type, (each.body["data"]["item"] or {}).get("title")) for each in receiver.got]
    assert len(told) == 4
    assert set(told) == {
        ("item.created", "Second"),
        ("item.updated", "Second"),
        ("item.created", None),
        ("item.deleted", None),
    }
    assert {each.body["data"]["tombstone"]["external_id"] for each in receiver.got if each.type == "item.deleted"} == {
        "call-2"
    }


class Moody:
    """Fails every so often, by chance of its own, in every way there is."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._lock = threading.Lock()

    def __call__(self, got: Got) -> bytes | None:
        with self._lock:
            lot = self._chance.randrange(8)
        if lot == 0:
            return None
        if lot == 1:
            return say("500 Broken", b"x" * 100)
        if lot == 2:
            return say("302 Found", Location="http://127.0.0.1:1/elsewhere")
        if lot == 3:
            return Cut(b"HTTP/1.1 20")
        if lot == 4:
            return say("429 Slow down", Retry_After="30")
        return ok(got)


def change_much(world: World, names: int, rounds: int) -> set[str]:
    """Ids of items that were changed in turn."""
    made = {
        items.put_item(world.parts, TENANT, ALICE, f"ext:{name}", visit(f"{name}.{number}"))["id"]
        for number in range(rounds)
        for name in range(names)
    }
    return {str(each) for each in made}


def test_the_order_for_each_item_survives_every_failure(both: World, receiver: Receiver) -> None:
    made = hook(both, receiver)
    subjects = change_much(both, 7, 6)
    receiver.behave = Moody(1)
    until_quiet(both, made.id)
    assert all(each.status == "delivered" for each in list_deliveries(both.parts, TENANT, made.id, limit=500))
    for subject in subjects:
        order = receiver.order(subject)
        assert len(order) == 6
        assert order == sorted(order)
    assert receiver.together == 1
    assert len({each.id for each in receiver.got}) == 42
    for each in receiver.got:
        each.verify(made.secret)


def test_two_that_deliver_at_once_neither_reorder_nor_repeat(both: World, receiver: Receiver, tmp_path: Path) -> None:
    made = hook(both, receiver)
    subjects = change_much(both, 6, 8)
    done = threading.Event()

    def work_off(world: World) -> None:
        while not done.is_set():
            # Small turns, so that the webhook changes hands often.
            deliver(world.parts, TENANT, made.id, 0.05)
            if not webhooks_due(world.parts) and len(receiver.got) >= 48:
                return

    with open_parts(both.parts.settings, registry=registry(both.watcher), clock=both.clock) as other:
        workers = [
            threading.Thread(target=work_off, args=(each,))
            for each in (both, World(other, both.clock, both.memory, both.watcher), both)
        ]
        for each in workers:
            each.start()
        for each in workers:
            each.join(60)
        done.set()
    assert len(receiver.got) == len({each.id for each in receiver.got}) == 48
    assert receiver.together == 1
    for subject in subjects:
        assert receiver.order(subject) == sorted(receiver.order(subject))


def test_whoever_comes_second_does_nothing(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit())
    began, go_on = threading.Event(), threading.Event()

    def hold(got: Got) -> bytes:
        began.set()
        assert go_on.wait(30)
        return ok(got)

    receiver.behave = hold
    first: list[DeliveryReport] = []
    holder = threading.Thread(target=lambda: first.append(turn(world, made.id)))
    holder.start()
    assert began.wait(30)
    assert webhooks_due(world.parts) == []
    assert turn(world, made.id) == DeliveryReport(0, 0, left=False)
    go_on.set()
    holder.join(30)
    assert first == [DeliveryReport(1, 0, left=False)]
    assert len(receiver.got) == 1


def test_messages_of_different_items_are_under_way_together(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    change_much(world, PARALLEL, 1)
    together = threading.Barrier(PARALLEL)

    def meet(got: Got) -> bytes:
        together.wait(10)
        return ok(got)

    receiver.behave = meet
    assert turn(world, made.id).delivered == PARALLEL


def test_a_process_that_dies_after_sending_has_its_message_sent_again_under_the_same_id(
    both: World, receiver: Receiver, tmp_path: Path
) -> None:
    made = hook(both, receiver)
    both.put("call-1", **visit())
    settings = both.parts.settings
    environ = os.environ | {
        "CALBRIDGE_DATA_DIR": str(settings.data_dir),
        "CALBRIDGE_DATABASE_URL": settings.database_url,
        "CALBRIDGE_SECRET_KEYS": ",".join(settings.secret_keys),
        "CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.0/8",
        "CALBRIDGE_REQUEST_TIMEOUT": "1",
        "CALBRIDGE_LEASE_SECONDS": "1.5",
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.notify.deliverer", made.id], cwd=ROOT, env=environ
    )

    def kill(got: Got) -> None:
        child.kill()

    receiver.behave = kill
    assert child.wait(60) == -signal.SIGKILL
    assert len(receiver.got) == 1
    receiver.behave = ok
    assert turn(both, made.id).delivered == 0, "the dead one's claim has not run out"
    end = time.monotonic() + 30
    while turn(both, made.id).delivered == 0:
        assert time.monotonic() < end
    assert [each.id for each in receiver.got] == [receiver.got[0].id] * 2


def test_whoever_lost_the_webhook_marks_nothing(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit())

    def steal(got: Got) -> bytes:
        with world.parts.database.connect(writes=True) as connection:
            connection.exec_driver_sql("UPDATE webhooks SET owner = 'thief'")
        return ok(got)

    receiver.behave = steal
    assert turn(world, made.id) == DeliveryReport(0, 0, left=False)
    (shown,) = list_deliveries(world.parts, TENANT, made.id)
    assert (shown.status, shown.attempts) == ("pending", 0)


@pytest.mark.parametrize(
    ("behave", "answered", "code"),
    [
        (status("500 Broken"), 500, "webhook_refused"),
        (status("404 Not Found"), 404, "webhook_refused"),
        (status("200 OK", Location="x"), 200, None),
        (status("301 Moved", Location="http://127.0.0.1/elsewhere"), 301, "redirect_refused"),
        (lambda got: None, None, "host_unreachable"),
        (lambda got: Cut(b"SSH-2.0-OpenSSH\r\n\r\n"), None, "malformed_answer"),
    ],
)
def test_what_an_endpoint_answers_decides(
    world: World, receiver: Receiver, behave: Callable[[Got], bytes | None], answered: int | None, code: str | None
) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit())
    receiver.behave = behave
    report = turn(world, made.id)
    (shown,) = list_deliveries(world.parts, TENANT, made.id)
    assert (shown.status, shown.answered, shown.code) == ("delivered" if code is None else "pending", answered, code)
    assert report == DeliveryReport(code is None, code is not None, left=False)
    assert len(receiver.got) == 1


def test_an_endpoint_that_answers_too_late_did_not_take_it(tmp_path: Path, world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit())
    go_on = threading.Event()
    receiver.behave = lambda got: ok(got) if go_on.wait(60) else None
    object.__setattr__(world.parts.settings, "request_timeout", 0.3)
    turn(world, made.id)
    (shown,) = list_deliveries(world.parts, TENANT, made.id)
    assert (shown.status, shown.code) == ("pending", "timed_out")
    go_on.set()
    world.clock.advance(minutes=1)
    turn(world, made.id)
    assert [each.id for each in receiver.got] == [shown.id] * 2


def test_one_message_that_is_never_taken_holds_up_its_item_alone_and_is_given_up_after_a_day(
    world: World, receiver: Receiver
) -> None:
    made = hook(world, receiver)
    poison = str(world.put("bad", **visit("Bad"))["id"])
    world.put("bad", title="Bad still")

    def refuse(got: Got) -> bytes:
        return say("400 Bad Request") if got.id in poisoned else ok(got)

    poisoned = {each.id for each in list_deliveries(world.parts, TENANT, made.id) if each.type == "item.created"}
    receiver.behave = refuse
    for hour in range(27):
        world.put("good", **visit(f"Good {hour}"))
        turn(world, made.id)
        assert f"Good {hour}" in [each.body["data"]["item"]["title"] for each in receiver.got[-3:]]
        world.clock.advance(hours=1)
    by_type = {
        each.type: each for each in list_deliveries(world.parts, TENANT, made.id, limit=500) if each.item_id == poison
    }
    assert by_type["item.created"].status == "failed"
    assert by_type["item.created"].code == "webhook_refused"
    assert by_type["item.updated"].status == "delivered"
    assert webhooks.get_webhook(world.parts, TENANT, made.id).active


def test_an_endpoint_that_stays_down_is_tried_less_and_less_and_switched_off_after_a_day(
    both: World, receiver: Receiver
) -> None:
    made = hook(both, receiver)
    subjects = change_much(both, 30, 2)
    receiver.behave = status("503 Down")
    began, tries = both.clock.now(), 0
    while webhooks.get_webhook(both.parts, TENANT, made.id).active:
        report = turn(both, made.id)
        tries += report.failed
        assert report.failed <= WAVE
        both.clock.advance(minutes=1)
    shown = webhooks.get_webhook(both.parts, TENANT, made.id)
    assert (shown.reason, shown.failing_since) == ("webhook_failing", began)
    assert 24 * 60 <= (both.clock.now() - began).total_seconds() / 60 <= 24 * 60 + 10
    assert tries < 600, "one try in two to five minutes at most, whatever waits"
    with both.parts.database.read(TENANT) as work:
        (line,) = [each for each in work.audit.list() if each.action == "webhook_switched_off"]
    assert line.facts == {"webhook": made.id, "code": "webhook_failing"}
    assert webhooks_due(both.parts) == []
    both.put("unheard", **visit())
    with pytest.raises(Refused) as refused:
        redeliver(both.parts, TENANT, list_deliveries(both.parts, TENANT, made.id)[0].id)
    assert refused.value.code == "webhook_inactive"
    receiver.got.clear()
    receiver.behave = ok
    webhooks.change_webhook(both.parts, TENANT, made.id, {"active": True})
    assert webhooks_due(both.parts) == [(TENANT, made.id)]
    assert turn(both, made.id).delivered == 60
    assert {each.subject for each in receiver.got} == subjects
    shown = webhooks.get_webhook(both.parts, TENANT, made.id)
    assert (shown.active, shown.reason, shown.failing_since) == (True, None, None)


def test_after_an_outage_everything_that_waits_is_told_at_once(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    change_much(world, 20, 1)
    receiver.behave = status("502 Bad Gateway")
    for _ in range(300):
        turn(world, made.id)
        world.clock.advance(minutes=1)
    receiver.behave = ok
    world.clock.advance(minutes=5)
    assert turn(world, made.id) == DeliveryReport(20, 0, left=False)


def test_an_endpoint_that_is_gone_for_good_is_switched_off_at_once(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    change_much(world, 1, 2)
    receiver.behave = status("410 Gone")
    turn(world, made.id)
    shown = webhooks.get_webhook(world.parts, TENANT, made.id)
    assert (shown.active, shown.reason) == (False, "webhook_gone")
    assert len(receiver.got) == 1


def test_who_asks_to_be_left_alone_is_left_alone_so_long(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    change_much(world, 1, 1)
    receiver.behave = status("429 Slow down", Retry_After="900")
    turn(world, made.id)
    receiver.behave = ok
    world.put("other", **visit())
    world.clock.advance(minutes=14)
    assert webhooks_due(world.parts) == []
    assert turn(world, made.id).delivered == 0
    world.clock.advance(minutes=2)
    assert turn(world, made.id).delivered == 2


def test_a_message_is_delivered_again_under_its_id_when_asked(both: World, receiver: Receiver) -> None:
    made = hook(both, receiver)
    both.put("call-1", **visit())
    turn(both, made.id)
    (before,) = list_deliveries(both.parts, TENANT, made.id, status="delivered")
    again = redeliver(both.parts, TENANT, before.id)
    assert (again.id, again.status, again.attempts) == (before.id, "pending", 0)
    turn(both, made.id)
    assert [each.id for each in receiver.got] == [before.id] * 2
    assert list_deliveries(both.parts, TENANT, made.id, status="pending") == []


def test_deliveries_are_listed_from_the_newest_on(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    for number in range(5):
        world.put(f"call-{number}", **visit())
        world.clock.advance(seconds=1)
    first = list_deliveries(world.parts, TENANT, made.id, limit=2)
    rest = list_deliveries(world.parts, TENANT, made.id, before=first[-1].id)
    assert [each.seq for each in [*first, *rest]] == [5, 4, 3, 2, 1]


def test_a_host_that_may_not_be_reached_any_more_is_not_reached(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit())
    hosts.revoke_host(world.parts, TENANT, f"127.0.0.1:{receiver.port}")
    turn(world, made.id)
    (shown,) = list_deliveries(world.parts, TENANT, made.id)
    assert (shown.status, shown.code) == ("pending", "address_refused")
    assert receiver.got == []


class Bell(NoDispatcher):
    """Notes who is told that there is something to deliver, and whether it is stored by then."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def deliveries(self, tenant: str) -> None:
        self.rung.append(tenant)


def test_the_dispatcher_is_told_after_the_commit_and_only_if_somebody_listens(world: World, receiver: Receiver) -> None:
    bell = Bell()
    with open_parts(
        world.parts.settings, registry=registry(world.watcher), clock=world.clock, dispatcher=bell
    ) as parts:
        listening = World(parts, world.clock, world.memory, world.watcher)
        listening.connect()
        listening.sync()
        listening.put("call-1", **visit())
        assert bell.rung == []
        made = hook(listening, receiver)
        listening.put("call-2", **visit())
        assert bell.rung == [TENANT]
        listening.put("call-2", **visit())
        assert bell.rung == [TENANT], "a write without meaning tells nobody"
        listening.memory.phone.create(event("Lunch"))
        listening.sync()
        assert len(bell.rung) > 1
        turn(listening, made.id)
        rung = len(bell.rung)
        redeliver(parts, TENANT, list_deliveries(parts, TENANT, made.id)[0].id)
        assert len(bell.rung) == rung + 1


def test_a_webhook_whose_secret_no_key_opens_rests_and_says_why(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    world.put("call-1", **visit())
    with world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE webhooks SET secret = 'v1.x.x'")
    turn(world, made.id)
    (shown,) = list_deliveries(world.parts, TENANT, made.id)
    assert (shown.status, shown.code) == ("pending", "secret_unreadable")
    assert receiver.got == []
    assert webhooks_due(world.parts) == []


def test_without_a_webhook_a_write_costs_one_more_cheap_question(both: World) -> None:
    noted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        noted.append(statement)

    both.put("call-1", **visit())
    events.listen(both.parts.database.engine, "before_cursor_execute", note)
    both.put("call-1", title="Other")
    events.remove(both.parts.database.engine, "before_cursor_execute", note)
    (asked,) = [each for each in noted if "webhooks" in each or "deliveries" in each]
    assert asked.startswith("SELECT webhooks.id")
