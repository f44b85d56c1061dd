"""Nothing that must stay hidden is in mails, logs, or what is stored of messages: planted text is looked for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from calbridge.errors import Refused
from calbridge.service import accounts, deliveries, items, webhooks
from calbridge.service.notices import send_notices
from calbridge.service.tenant_settings import change_settings
from calbridge.service.tick import tick
from calbridge.store.tables import audit, notices
from calbridge.store.tables import deliveries as delivery_rows
from calbridge.store.tables import webhooks as webhook_rows
from tests.doubles.caldav.certificate import server_context
from tests.integration.notify.conftest import opened_world
from tests.integration.notify.post import PASSWORD, QUOTED, Post
from tests.integration.notify.receiver import Receiver, hook, ok, status
from tests.integration.service.world import ALICE, TENANT, World, event, visit

CANARY = "canary"


def live(world: World, receiver: Receiver) -> list[str]:
    """Changes, an outage, failing and succeeding deliveries, tests and rotations; the secrets of the webhook."""
    made = hook(world, receiver)
    private = {"text": "canary-text", "html": "<b>canary-html</b>"}
    world.put("call-1", **visit("canary-title", description=private, location="canary-place"))
    world.connect()
    world.sync()
    world.memory.phone.create(event("canary-phone"))
    world.sync()
    for behave in (status("500 canary-answer", X="canary-header"), lambda got: None, ok):
        receiver.behave = behave
        world.clock.advance(minutes=5)
        deliveries.deliver(world.parts, TENANT, made.id, 30)
        webhooks.send_test(world.parts, TENANT, made.id)
    renewed = webhooks.rotate_secret(world.parts, TENANT, made.id)
    items.patch_item(world.parts, TENANT, ALICE, "ext:call-1", {"title": "canary-other"})
    deliveries.deliver(world.parts, TENANT, made.id, 30)
    deliveries.redeliver(world.parts, TENANT, deliveries.list_deliveries(world.parts, TENANT, made.id)[-1].id)
    with pytest.raises(Refused):
        webhooks.add_webhook(world.parts, TENANT, {"url": "https://canary-user:canary-word@psa.example.com/"})
    world.memory.refuse_sign_in(confirmed=True)
    world.sync()
    tick(world.parts)
    world.memory.accept_sign_in()
    accounts.put_account(world.parts, TENANT, world.integration_id, {"username": ALICE, "password": "canary-secret"})
    tick(world.parts)
    receiver.behave = status("410 canary-gone")
    world.put("call-2", **visit("canary-title"))
    tick(world.parts)
    return [made.secret, renewed.secret]


def rows(world: World) -> str:
    """All that is stored of messages and mails; the address of a webhook, which may hold a token, is meant to be."""
    columns = [each for each in webhook_rows.columns if each.name != "url"]
    told = ""
    with world.parts.database.connect(writes=False) as connection:
        for table in (delivery_rows, notices, audit):
            found = [str(dict(row)) for row in connection.execute(table.select()).mappings()]
            assert found
            told += "\n".join(found)
        told += str(connection.execute(webhook_rows.select().with_only_columns(*columns)).all())
    return told


def test_neither_text_of_items_nor_secrets_are_in_mails_logs_or_rows(
    tmp_path: Path, sqlite_template: Path, receiver: Receiver, log: io.StringIO
) -> None:
    path = tmp_path / "calbridge.db"
    path.write_bytes(sqlite_template.read_bytes())
    post = Post(server_context(tmp_path, []), password=PASSWORD)
    smtp = f"smtp://{QUOTED}@localhost:{post.port}?ca_file={tmp_path / 'ca.pem'}"
    with opened_world(tmp_path, f"sqlite:///{path}", CALBRIDGE_SMTP_URL=smtp) as world:
        change_settings(world.parts, TENANT, {"notify_failure_to": "ops@example.com"})
        secrets = live(world, receiver)
        post.start()
        world.clock.advance(hours=2)
        send_notices(world.parts, 30)
        world.clock.advance(hours=2)
        send_notices(world.parts, 30)
        post.stop()
        kept = rows(world)
    assert len(post.mails) == 3
    mails = "\n".join(each.raw.decode() + each.part("plain") + each.part("html") for each in post.mails)
    told = log.getvalue()
    assert "mail_failed" in told
    assert "delivery_failed" in told
    assert "webhook_switched_off" in told
    for place, text in {"mail": mails, "log": told, "rows": kept}.items():
        assert CANARY not in text.lower(), place
        assert not any(secret in text or secret.removeprefix("whsec_") in text for secret in secrets), place
    assert any("canary-title" in each.heard.body.decode() for each in receiver.got), "it was told to the webhook"
