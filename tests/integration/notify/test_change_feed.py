"""The change feed tells everything that happened in My Calendar, once and in order (SYNC E3)."""

from __future__ import annotations

import base64
import json

import pytest

from calbridge.errors import Refused
from calbridge.service import items, links, tenants, users
from calbridge.service.change_views import ChangePage
from calbridge.service.changes import LATEST, list_changes
from calbridge.service.parts import Actor
from calbridge.service.views import to_json
from calbridge.store.retention import purge
from tests.integration.service.world import ALICE, TENANT, World, event, visit

API = Actor("api", key="k1")


def feed(world: World, cursor: str | None = None, **more: object) -> ChangePage:
    return list_changes(world.parts, TENANT, cursor=cursor, **more)  # type: ignore[arg-type]


def told(page: ChangePage) -> list[tuple[str, str]]:
    """Op and title, or external id of what is gone."""
    return [(each.op, each.item["title"] if each.item else (each.tombstone or {})["external_id"]) for each in page.data]


def test_each_change_is_told_once_with_the_item_its_fields_and_its_source(both: World) -> None:
    parts = both.parts.acting(API)
    made = items.put_item(parts, TENANT, ALICE, "ext:call-1", visit("Repair"))
    first = feed(both)
    (change,) = first.data
    assert to_json(change) == {
        "seq": 1,
        "op": "create",
        "user_id": ALICE,
        "item_id": made["id"],
        "version": 1,
        "item": made,
        "tombstone": None,
        "changed_fields": ["time", "title"],
        "source": {"door": "api", "key": "k1"},
        "at": "2027-01-04T08:00:00Z",
    }
    assert feed(both, first.next_cursor).data == ()
    items.patch_item(parts, TENANT, ALICE, "ext:call-1", {"title": "Repairs"})
    second = feed(both, first.next_cursor)
    assert [(each.op, each.changed_fields, each.version) for each in second.data] == [("update", ("title",), 2)]
    assert feed(both, second.next_cursor).data == ()


def test_what_is_gone_meanwhile_is_told_by_a_tombstone_that_names_the_psa_s_record(world: World) -> None:
    world.put("call-1", **visit("Repair"), record_id="R7")
    items.delete_item(world.parts, TENANT, ALICE, "ext:call-1")
    page = feed(world)
    assert told(page) == [("create", "call-1"), ("delete", "call-1")]
    (_, last) = page.data
    assert last.item is None
    assert last.tombstone == {
        "id": last.item_id,
        "user_id": ALICE,
        "external_id": "call-1",
        "record_id": "R7",
        "version": 2,
        "deleted_at": "2027-01-04T08:00:00Z",
    }


def test_a_deletion_on_the_phone_that_was_not_followed_is_told_with_the_item_that_stays(world: World) -> None:
    world.connect()
    world.sync()
    world.put("call-1", **visit("Repair"), type="service_call")
    world.sync()
    cursor = feed(world, LATEST).next_cursor
    (event_id,) = world.memory.phone.events()
    world.memory.phone.delete(event_id)
    world.sync()
    page = feed(world, cursor)
    assert told(page) == [("kept", "Repair")]
    assert page.data[0].source.keys() == {"door", "integration", "run"}
    assert links.list_links(world.parts, TENANT, world.integration_id)[0].state == "closed"


def test_a_caller_s_own_writes_are_left_out_unless_asked_for(both: World) -> None:
    both.connect()
    both.sync()
    for key, name in (("k1", "mine"), ("K1", "capital"), ("k10", "longer")):
        parts = both.parts.acting(Actor("api", key=key))
        items.put_item(parts, TENANT, ALICE, f"ext:{name}", visit(name))
    items.put_item(both.parts.acting(Actor("page", user=ALICE)), TENANT, ALICE, "ext:page", visit("page"))
    both.memory.phone.create(event("phone"))
    both.sync()
    mine = both.parts.acting(API)
    seen = list_changes(mine, TENANT)
    assert [title for _, title in told(seen)] == ["capital", "longer", "page", "phone"]
    assert len(list_changes(mine, TENANT, own=True).data) == 5
    alice = both.parts.acting(Actor("page", user=ALICE))
    assert "page" not in [title for _, title in told(list_changes(alice, TENANT))]
    assert list_changes(mine, TENANT, cursor=seen.next_cursor).data == ()


def test_pages_follow_each_other_without_gap_or_repetition(world: World) -> None:
    for number in range(7):
        world.put(f"call-{number}", **visit(f"Visit {number}"))
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = feed(world, cursor, limit=2)
        seen += [title for _, title in told(page)]
        cursor = page.next_cursor
    assert seen == [f"Visit {number}" for number in range(7)]
    with pytest.raises(Refused) as refused:
        feed(world, limit=201)
    assert refused.value.facts["field"] == "limit"


def test_the_feed_of_one_user_holds_nothing_of_others(world: World) -> None:
    users.put_user(world.parts, TENANT, "bob")
    world.put("call-1", **visit("Alice's"))
    items.put_item(world.parts, TENANT, "bob", "ext:call-2", visit("Bob's"))
    page = feed(world, user_id="bob")
    assert told(page) == [("create", "Bob's")]
    world.put("call-3", **visit("Alice's again"))
    assert feed(world, page.next_cursor, user_id="bob").data == ()
    with pytest.raises(Refused) as refused:
        feed(world, user_id="carol")
    assert refused.value.code == "user_not_found"


def test_whoever_starts_with_latest_hears_only_what_comes_later(world: World) -> None:
    world.put("call-1", **visit("Before"))
    start = feed(world, LATEST)
    assert start.data == ()
    world.put("call-2", **visit("After"))
    assert told(feed(world, start.next_cursor)) == [("create", "After")]


def test_a_cursor_older_than_the_feed_expires_and_the_recipe_starts_anew(world: World) -> None:
    world.put("call-1", **visit("Old"))
    old = feed(world)
    world.clock.advance(days=88)
    assert feed(world, old.next_cursor).data == ()
    world.clock.advance(days=2)
    purge(world.parts.database, world.clock.now())
    with pytest.raises(Refused) as refused:
        feed(world, old.next_cursor)
    assert refused.value.code == "cursor_expired"
    assert "cursor=latest" in refused.value.detail
    start = feed(world, LATEST)
    assert world.titles() == ["Old"]
    world.put("call-2", **visit("New"))
    assert told(feed(world, start.next_cursor)) == [("create", "New")]


def test_a_reader_that_asks_now_and_then_never_loses_its_place(world: World) -> None:
    world.put("call-1", **visit("Old"))
    cursor = feed(world).next_cursor
    for _ in range(5):
        world.clock.advance(days=60)
        purge(world.parts.database, world.clock.now())
        cursor = feed(world, cursor).next_cursor
    world.put("call-2", **visit("New"))
    assert told(feed(world, cursor)) == [("create", "New")]


def test_a_reader_in_the_middle_of_old_pages_is_told_when_the_rest_may_be_gone(world: World) -> None:
    world.put("call-1", **visit("One"))
    world.put("call-2", **visit("Two"))
    world.clock.advance(days=89, hours=12)
    middle = feed(world, limit=1)
    assert told(middle) == [("create", "One")]
    with pytest.raises(Refused) as refused:
        feed(world, middle.next_cursor)
    assert refused.value.code == "cursor_expired"


def test_cursors_from_before_a_restored_backup_expire(world: World) -> None:
    world.put("call-1", **visit("Kept"))
    cursor = feed(world).next_cursor
    with world.parts.database.system_write() as system:
        system.tenants.start_epoch()
    with pytest.raises(Refused) as refused:
        feed(world, cursor)
    assert refused.value.code == "cursor_expired"
    assert feed(world, feed(world).next_cursor).data == ()


def packed(*facts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "A" * 500, packed(), packed(1, 2, 3, 4), packed("a", 1, 0, 10**30), packed("a", True, "0", None)],
)
def test_what_is_no_cursor_is_refused_by_name(world: World, cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        feed(world, cursor)
    assert (refused.value.code, refused.value.facts["field"]) == ("invalid_value", "cursor")


def test_the_cursor_of_another_tenant_is_none(world: World) -> None:
    tenants.create_tenant(world.parts, "t2", "Other")
    other = list_changes(world.parts, "t2").next_cursor
    with pytest.raises(Refused) as refused:
        feed(world, other)
    assert refused.value.code == "invalid_value"
    with pytest.raises(Refused) as refused:
        list_changes(world.parts, "none")
    assert refused.value.code == "tenant_not_found"
