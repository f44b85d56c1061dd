"""Webhooks are made, changed and tried out; what can't be used is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from calbridge.errors import Refused
from calbridge.service import deliveries, hosts, items, tenants, users, webhooks
from calbridge.service.parts import Actor
from calbridge.service.views import to_json
from calbridge.store.announcing import TYPES
from tests.integration.notify.receiver import Receiver, hook, status
from tests.integration.service.world import ALICE, TENANT, World, visit

PUBLIC = "https://psa.example.com/hooks"


def refused(call: Any, *args: Any, **more: Any) -> tuple[str, object]:
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value.code, caught.value.facts.get("field")


def test_a_new_webhook_hears_everything_and_shows_its_secret_once(both: World) -> None:
    made = webhooks.add_webhook(both.parts.acting(Actor("api", key="k1")), TENANT, {"url": PUBLIC})
    assert made.secret.startswith("whsec_")
    assert "whsec" not in repr(made)
    shown = webhooks.get_webhook(both.parts, TENANT, made.id)
    assert to_json(shown) == {
        "id": made.id,
        "url": PUBLIC,
        "events": list(TYPES),
        "user_id": None,
        "own": False,
        "key_id": "k1",
        "active": True,
        "reason": None,
        "failing_since": None,
        "rotating_until": None,
        "version": 1,
        "created_at": "2027-01-04T08:00:00Z",
        "updated_at": "2027-01-04T08:00:00Z",
    }
    assert webhooks.list_webhooks(both.parts, TENANT) == [shown]
    assert webhooks.list_webhooks(both.parts, TENANT, after=made.id) == []


def test_a_patch_changes_what_it_names_and_null_is_the_default(world: World) -> None:
    made = webhooks.add_webhook(world.parts, TENANT, {"url": PUBLIC, "events": ["item.deleted"], "user_id": ALICE})
    changed = webhooks.change_webhook(
        world.parts, TENANT, made.id, {"events": ["run.waiting", "item.created"], "own": True, "user_id": None}
    )
    assert (changed.events, changed.own, changed.user_id, changed.version) == (
        ("item.created", "run.waiting"),
        True,
        None,
        2,
    )
    same = webhooks.change_webhook(world.parts, TENANT, made.id, {"own": True}, if_version=2)
    assert same.version == 2
    assert refused(webhooks.change_webhook, world.parts, TENANT, made.id, {"own": False}, if_version=1) == (
        "precondition_failed",
        None,
    )
    again = webhooks.change_webhook(world.parts, TENANT, made.id, {"events": None, "own": None, "active": None})
    assert (again.events, again.own, again.active) == (TYPES, False, True)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_value", "url"),
        ({"url": None}, "invalid_value", "url"),
        ({"url": "x"}, "address_refused", "url"),
        ({"url": "http://psa.example.com/"}, "address_refused", "url"),
        ({"url": "https://psa.example.com:22/"}, "port_refused", "url"),
        ({"url": "https://name:word@psa.example.com/"}, "address_refused", "url"),
        ({"url": "https://127.0.0.1/"}, "private_network_needed", "url"),
        ({"url": "https://169.254.169.254/latest"}, "address_refused", "url"),
        ({"url": "https://" + "a" * 2000}, "too_large", "url"),
        ({"url": PUBLIC, "events": []}, "invalid_value", "events"),
        ({"url": PUBLIC, "events": ["ping"]}, "invalid_value", "events"),
        ({"url": PUBLIC, "events": "item.created"}, "invalid_value", "events"),
        ({"url": PUBLIC, "own": 1}, "invalid_value", "own"),
        ({"url": PUBLIC, "user_id": "a b"}, "invalid_value", "user_id"),
        ({"url": PUBLIC, "user_id": "nobody"}, "user_not_found", None),
        ({"url": PUBLIC, "secret": "x"}, "invalid_value", "secret"),
    ],
)
def test_what_can_t_be_used_is_refused_and_nothing_is_stored(
    world: World, body: dict[str, Any], code: str, field: str | None
) -> None:
    assert refused(webhooks.add_webhook, world.parts, TENANT, body) == (code, field)
    assert webhooks.list_webhooks(world.parts, TENANT) == []


def test_a_tenant_has_at_most_twenty(world: World) -> None:
    for _ in range(webhooks.MOST):
        webhooks.add_webhook(world.parts, TENANT, {"url": PUBLIC})
    assert refused(webhooks.add_webhook, world.parts, TENANT, {"url": PUBLIC}) == ("too_many_webhooks", None)


def test_another_tenant_never_sees_it(world: World) -> None:
    tenants.create_tenant(world.parts, "t2", "Other")
    made = webhooks.add_webhook(world.parts, TENANT, {"url": PUBLIC})
    world.put("call-1", **visit())
    (delivery,) = deliveries.list_deliveries(world.parts, TENANT, made.id)
    for call in (
        webhooks.get_webhook,
        webhooks.delete_webhook,
        webhooks.rotate_secret,
        webhooks.send_test,
        deliveries.list_deliveries,
    ):
        assert refused(call, world.parts, "t2", made.id)[0] == "webhook_not_found"
    assert refused(webhooks.change_webhook, world.parts, "t2", made.id, {})[0] == "webhook_not_found"
    assert refused(deliveries.redeliver, world.parts, "t2", delivery.id)[0] == "delivery_not_found"
    assert webhooks.list_webhooks(world.parts, "t2") == []


def test_a_deleted_webhook_is_told_nothing_more(both: World, receiver: Receiver) -> None:
    made = hook(both, receiver)
    both.put("call-1", **visit())
    webhooks.delete_webhook(both.parts, TENANT, made.id)
    both.put("call-2", **visit())
    report = deliveries.deliver(both.parts, TENANT, made.id, 5)
    assert (report.delivered, report.left, receiver.got) == (0, False, [])
    assert deliveries.webhooks_due(both.parts) == []


def test_a_ping_is_sent_at_once_signed_and_its_answer_shown(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver, active=False)
    done = webhooks.send_test(world.parts, TENANT, made.id)
    assert (done.type, done.status, done.answered, done.attempts, done.code) == ("ping", "delivered", 204, 1, None)
    (got,) = receiver.got
    got.verify(made.secret)
    with pytest.raises(WebhookVerificationError):
        got.verify("whsec_" + "A" * 43 + "=")
    assert got.body == {"type": "ping", "timestamp": "2027-01-04T08:00:00Z", "data": {"webhook_id": made.id}}
    assert int(got.heard.headers["webhook-timestamp"]) == int(world.clock.now().timestamp())
    receiver.behave = status("500 Broken")
    failed = webhooks.send_test(world.parts, TENANT, made.id)
    assert (failed.status, failed.answered, failed.code, failed.next_at) == ("failed", 500, "webhook_refused", None)
    receiver.close()
    nobody = webhooks.send_test(world.parts, TENANT, made.id)
    assert (nobody.status, nobody.answered, nobody.code) == ("failed", None, "host_unreachable")
    assert deliveries.webhooks_due(world.parts) == []


def test_a_rotated_secret_signs_beside_the_former_one_for_a_while(both: World, receiver: Receiver) -> None:
    made = hook(both, receiver)
    renewed = webhooks.rotate_secret(both.parts, TENANT, made.id, keep_hours=24)
    assert renewed.secret != made.secret
    assert to_json(renewed)["rotating_until"] == "2027-01-05T08:00:00Z"
    webhooks.send_test(both.parts, TENANT, made.id)
    assert len(receiver.got[0].signatures) == 2
    for secret in (made.secret, renewed.secret):
        receiver.got[0].verify(secret)
    both.clock.advance(hours=25)
    webhooks.send_test(both.parts, TENANT, made.id)
    receiver.got[1].verify(renewed.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.got[1].verify(made.secret)
    assert webhooks.get_webhook(both.parts, TENANT, made.id).rotating_until is None
    at_once = webhooks.rotate_secret(both.parts, TENANT, made.id, keep_hours=0)
    webhooks.send_test(both.parts, TENANT, made.id)
    assert len(receiver.got[2].signatures) == 1
    receiver.got[2].verify(at_once.secret)
    assert refused(webhooks.rotate_secret, both.parts, TENANT, made.id, keep_hours=169)[1] == "keep_hours"


def test_it_hears_what_it_asked_for_of_whom_it_asked_for_and_not_what_its_key_wrote(
    world: World, receiver: Receiver
) -> None:
    users.put_user(world.parts, TENANT, "bob")
    mine = world.parts.acting(Actor("api", key="k1"))
    hosts.grant_host(world.parts, TENANT, f"127.0.0.1:{receiver.port}")

    def add(**more: Any) -> str:
        return webhooks.add_webhook(mine, TENANT, {"url": receiver.url, **more}).id

    names = {
        add(): "plain",
        add(own=True): "own",
        add(user_id="bob"): "bob's",
        add(events=["item.deleted"]): "deleted",
        add(key_id=None): "keyless",
        add(active=False): "off",
    }
    items.put_item(mine, TENANT, ALICE, "ext:1", visit("by its own key"))
    world.put("2", **visit("by somebody else"))
    items.put_item(world.parts, TENANT, "bob", "ext:3", visit("of Bob"))
    items.delete_item(world.parts, TENANT, ALICE, "ext:2")
    told = {
        name: [
            each.type.removeprefix("item.") for each in reversed(deliveries.list_deliveries(world.parts, TENANT, id_))
        ]
        for id_, name in names.items()
    }
    assert {name: sorted(types) for name, types in told.items()} == {
        "plain": ["created", "created", "deleted"],
        "own": ["created", "created", "created", "deleted"],
        "bob's": ["created"],
        "deleted": ["deleted"],
        "keyless": ["created", "created", "created", "deleted"],
        "off": [],
    }


def test_what_was_done_to_webhooks_stands_in_the_audit_without_secrets(world: World, receiver: Receiver) -> None:
    made = hook(world, receiver)
    webhooks.change_webhook(world.parts, TENANT, made.id, {"own": True})
    webhooks.rotate_secret(world.parts, TENANT, made.id)
    webhooks.delete_webhook(world.parts, TENANT, made.id)
    with world.parts.database.read(TENANT) as work:
        lines = [each for each in work.audit.list() if each.action.startswith("webhook")]
    assert [each.action for each in lines] == [
        "webhook_added",
        "webhook_changed",
        "webhook_secret_rotated",
        "webhook_deleted",
    ]
    assert "canary" not in str(lines)
    assert "whsec" not in str(lines)
