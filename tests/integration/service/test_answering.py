"""Answering invitations: at the service first, then in My Calendar; never to a meeting that became another one."""

from __future__ import annotations

import pytest

from calbridge.domain.content import MASTER, Field, People, Person
from calbridge.errors import ConnectorError, Refused, SignInRequired, Throttled, Unavailable
from calbridge.service import responses
from calbridge.service.leasing import leased
from calbridge.testing.memory import OWNER_ADDRESS
from tests.integration.service.world import ALICE, TENANT, World, event, visit

GUESTS = (Person(OWNER_ADDRESS), Person("eve@example.com"))
INVITED = {(MASTER, Field.PEOPLE): People(Person("boss@example.com"), GUESTS)}
MINE = (MASTER, Field.MY_RESPONSE)


def invite(world: World) -> tuple[str, str]:
    """A meeting of somebody else that was retrieved: where it lives, and its item."""
    world.connect()
    world.sync()
    remote_id = world.memory.phone.create(event("Review").with_units(INVITED))
    world.sync()
    (item,) = world.items()
    assert item["editable"]["response"]
    return remote_id, item["id"]


def answer(world: World, item_id: str, response: str = "accepted", comment: str | None = None) -> dict[str, object]:
    return responses.respond(world.parts, TENANT, ALICE, item_id, response, comment)


def answered(world: World, remote_id: str) -> object:
    return world.memory.phone.events()[remote_id].content.get(MINE)


@pytest.mark.parametrize("response", ["accepted", "declined", "tentative"])
def test_an_answer_stands_on_both_sides_and_the_next_run_has_nothing_to_do(world: World, response: str) -> None:
    remote_id, item_id = invite(world)
    assert answer(world, item_id, response)["my_response"] == response
    assert answered(world, remote_id) == response
    before = world.items()[0]["version"]
    run = world.sync()
    assert (run.status, "items_changed" in run.counters) == ("succeeded", False)
    assert world.items()[0]["version"] == before
    assert world.memory.io.passed.count("update.before") == 0


def test_the_change_feed_tells_who_answered(world: World) -> None:
    _, item_id = invite(world)
    with world.parts.database.read(TENANT) as work:
        last = work.changes_after(0, 100)[-1].seq
    answer(world, item_id)
    with world.parts.database.read(TENANT) as work:
        (change,) = work.changes_after(last, 100)
    assert (change.op, change.changed_fields, change.source["door"]) == ("update", ("my_response",), "cli")


def test_an_answer_on_the_phone_is_taken_over_later(world: World) -> None:
    remote_id, item_id = invite(world)
    answer(world, item_id, "accepted")
    world.memory.phone.edit(remote_id, {MINE: "declined"})
    world.sync()
    assert world.items()[0]["my_response"] == "declined"


def test_only_invitations_are_answered(world: World) -> None:
    world.connect()
    world.sync()
    own = world.put("call-1", **visit("Repair"))
    world.memory.phone.create(event("Lunch"))
    world.sync()
    for item in world.items():
        with pytest.raises(Refused) as refused:
            answer(world, item["id"])
        assert refused.value.code == "not_invited"
    with pytest.raises(Refused) as refused:
        responses.respond(world.parts, TENANT, ALICE, own["id"], "perhaps")
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_value", "response")


def test_a_meeting_that_moved_is_not_answered_and_a_run_fetches_it(world: World) -> None:
    remote_id, item_id = invite(world)
    world.memory.phone.edit(remote_id, {(MASTER, Field.TIME): event("x", hour=15).span})
    with pytest.raises(Refused) as refused:
        answer(world, item_id)
    assert refused.value.code == "item_changed"
    assert answered(world, remote_id) is None
    assert world.items()[0]["my_response"] is None
    world.sync()
    assert answer(world, item_id)["my_response"] == "accepted"
    assert world.items()[0]["start"]["date_time"].startswith("2027-01-05T15")


def test_the_answers_of_others_are_no_reason_to_refuse(world: World) -> None:
    remote_id, item_id = invite(world)
    world.memory.phone.edit(remote_id, {(MASTER, Field.RESPONSES): (("eve@example.com", "accepted"),)})
    assert answer(world, item_id)["my_response"] == "accepted"
    assert answered(world, remote_id) == "accepted"
    world.sync()
    assert world.items()[0]["attendees"][1]["response"] == "accepted"


def test_a_meeting_that_is_gone_is_not_answered(world: World) -> None:
    remote_id, item_id = invite(world)
    world.memory.phone.delete(remote_id)
    with pytest.raises(Refused) as refused:
        answer(world, item_id)
    assert refused.value.code == "item_changed"


def test_an_answer_waits_for_no_run_and_is_not_given_beside_one(world: World) -> None:
    remote_id, item_id = invite(world)
    with leased(world.parts, TENANT, world.integration_id), pytest.raises(Refused) as refused:
        answer(world, item_id)
    assert refused.value.code == "integration_running"
    assert answered(world, remote_id) is None
    answer(world, item_id)


@pytest.mark.parametrize("error", [Throttled(retry_after=5.0), Unavailable()])
def test_what_the_service_refuses_is_told_and_not_stored(world: World, error: ConnectorError) -> None:
    remote_id, item_id = invite(world)
    world.memory.io.fail("answer.before", error)
    with pytest.raises(type(error)):
        answer(world, item_id)
    assert (answered(world, remote_id), world.items()[0]["my_response"]) == (None, None)


def test_a_lost_reply_is_found_by_the_next_run(world: World) -> None:
    _, item_id = invite(world)
    world.memory.switches = world.memory.switches.__class__(loses_reply=1.0)
    with pytest.raises(Unavailable) as unknown:
        answer(world, item_id)
    assert unknown.value.code == "no_write_confirmed"
    world.memory.switches = world.switches
    world.sync()
    assert world.items()[0]["my_response"] == "accepted"


def test_a_refused_secret_is_not_tried_again(world: World) -> None:
    _, item_id = invite(world)
    world.memory.refuse_sign_in(confirmed=True)
    with pytest.raises(SignInRequired):
        answer(world, item_id)
    world.memory.accept_sign_in()
    with pytest.raises(Refused) as refused:
        answer(world, item_id)
    assert refused.value.code == "not_connected"
