"""Webhooks: made, listed, changed, deleted, their secrets rotated, and tried out (Standard Webhooks)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from calbridge.errors import AddressRefused, Refused
from calbridge.service.parts import Parts
from calbridge.service.values import Body, choice, flag, identifier, invalid, listed, mapping, number, text
from calbridge.service.webhook_messages import messages, send, told
from calbridge.service.webhook_views import (
    DeliveryView,
    NewWebhookView,
    WebhookView,
    delivery_view,
    new_webhook_view,
    webhook_view,
)
from calbridge.store.announcing import PING, TYPES
from calbridge.store.deliveries import Delivery
from calbridge.store.webhooks import Webhook

MOST: Final = 20
"""Webhooks of one tenant: each of them costs a row for every change."""
LONGEST_URL = 2000
SECRET_BYTES = 32
ROTATION_HOURS = 24
TEST_SECONDS = 10.0
WRITABLE = frozenset({"url", "events", "user_id", "own", "key_id", "active"})


def add_webhook(parts: Parts, tenant: str, body: Body) -> NewWebhookView:
    """Be told what happens: ``{url, events?, user_id?, own?, key_id?, active?}``; all events unless some are named.

    ``key_id`` is the caller's key where it is absent. The secret (``whsec_`` and 256 random bits) is answered this
    once. Raises Refused (``tenant_not_found``, ``invalid_value``, ``too_large``, ``user_not_found``,
    ``too_many_webhooks``, ``address_refused``, ``port_refused``).
    """
    given = {"key_id": parts.actor.key, "events": list(TYPES), **mapping(body, "", WRITABLE)}
    if "url" not in given:
        raise invalid("url", "is needed")
    values = _values(parts, tenant, given)
    secret = _new_secret()
    with parts.database.write(tenant) as work:
        # Whatever is stored after this is told; see Changes.
        work.settings.get(lock=True)
        _check_user(work.users, values)
        if work.webhooks.count() >= MOST:
            raise Refused(code="too_many_webhooks", most=MOST)
        stored = work.webhooks.add(Webhook(secrets.token_hex(12), **values), secret)
        work.audit.add(str(parts.actor), "webhook_added", webhook=stored.id, host=_host(stored.url))
        return new_webhook_view(stored, work.now, secret)


def get_webhook(parts: Parts, tenant: str, webhook_id: str) -> WebhookView:
    """One webhook. Raises Refused (``webhook_not_found``)."""
    with parts.database.read(tenant) as work:
        return webhook_view(work.webhooks.require(webhook_id), work.now)


def list_webhooks(parts: Parts, tenant: str, *, limit: int = 200, after: str | None = None) -> list[WebhookView]:
    """Webhooks in the order of their ids. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        work.settings.get()
        return [webhook_view(each, work.now) for each in work.webhooks.list(after, limit)]


def change_webhook(
    parts: Parts, tenant: str, webhook_id: str, patch: Body, *, if_version: int | None = None
) -> WebhookView:
    """Change what a patch (RFC 7396) names; null is the default.

    Switched on again, or with another address, it is tried at once with all that waits for it. Raises Refused
    (``webhook_not_found``, ``precondition_failed``, and those of :func:`add_webhook`).
    """
    given = dict(mapping(patch, "", WRITABLE))
    values = _values(parts, tenant, given)
    with parts.database.write(tenant) as work:
        work.settings.get(lock=True)
        before = work.webhooks.require(webhook_id, lock=True)
        if if_version is not None and before.version != if_version:
            raise Refused(code="precondition_failed", webhook=webhook_id)
        _check_user(work.users, values)
        after = replace(before, **values)
        if after == before:
            return webhook_view(before, work.now)
        fresh = after.active and (not before.active or after.url != before.url)
        if fresh:
            values |= {"reason": None, "failing_since": None, "tries": 0, "not_before": None}
            work.deliveries.start_over(webhook_id)
        work.webhooks.save(webhook_id, values)
        work.audit.add(str(parts.actor), "webhook_changed", webhook=webhook_id, changed=sorted(given))
        shown = webhook_view(work.webhooks.require(webhook_id), work.now)
    if fresh:
        parts.dispatcher.deliveries(tenant)
    return shown


def delete_webhook(parts: Parts, tenant: str, webhook_id: str) -> None:
    """Tell it nothing any more; what waited for it is forgotten. Raises Refused (``webhook_not_found``)."""
    with parts.database.write(tenant) as work:
        work.settings.get(lock=True)
        work.webhooks.require(webhook_id, lock=True)
        work.webhooks.remove(webhook_id)
        work.audit.add(str(parts.actor), "webhook_deleted", webhook=webhook_id)


def rotate_secret(parts: Parts, tenant: str, webhook_id: str, *, keep_hours: int = ROTATION_HOURS) -> NewWebhookView:
    """A new secret, answered this once; for ``keep_hours`` (0 to 168) messages carry a signature by each of the two.

    Raises Refused (``webhook_not_found``, ``invalid_value``), SecretUnreadable.
    """
    hours = number(keep_hours, "keep_hours", 0, 168)
    secret = _new_secret()
    with parts.database.write(tenant) as work:
        work.webhooks.require(webhook_id, lock=True)
        work.webhooks.rotate(webhook_id, secret, work.now + timedelta(hours=hours))
        work.audit.add(str(parts.actor), "webhook_secret_rotated", webhook=webhook_id)
        return new_webhook_view(work.webhooks.require(webhook_id), work.now, secret)


def send_test(parts: Parts, tenant: str, webhook_id: str) -> DeliveryView:
    """Send a ``ping`` now, once, and answer with what came of it; an inactive webhook may be tried, too.

    Raises Refused (``webhook_not_found``), SecretUnreadable.
    """
    with parts.database.write(tenant) as work:
        hook = work.webhooks.require(webhook_id)
        signing = work.webhooks.secrets(webhook_id)
        ping_id = work.keys.new_id()
        ping = work.deliveries.add(Delivery(ping_id, webhook_id, PING, subject=ping_id))
        (message,) = messages(work, [ping])
    with parts.transport_factory(tenant, None, TEST_SECONDS) as transport:
        answer = send(transport, hook.url, signing, message, parts.clock.now())
    with parts.database.write(tenant) as work:
        work.deliveries.save(ping_id, attempts=1, finished_at=work.now, **told(answer))
        return delivery_view(work.deliveries.require(ping_id))


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _values(parts: Parts, tenant: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, checked, in the store's form. Raises Refused."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "url":
                values[name] = _url(parts, tenant, value)
            case "events":
                values[name] = _events(value)
            case "user_id" | "key_id":
                values[name] = None if value is None else identifier(value, name)
            case _:
                values[name] = (name == "active") if value is None else flag(value, name)
    return values


def _url(parts: Parts, tenant: str, value: object) -> str:
    url = text(value, "url", LONGEST_URL).strip()
    with parts.transport_factory(tenant) as transport:
        try:
            transport.check(url)
        except AddressRefused as error:
            raise invalid("url", str(error.facts.get("reason", "")), error.code) from None
    return url


def _events(value: object) -> tuple[str, ...]:
    if value is None:
        return TYPES
    found = {choice(each, "events", TYPES) for each in listed(value, "events", len(TYPES))}
    if not found:
        raise invalid("events", "must name at least one")
    return tuple(each for each in TYPES if each in found)


def _check_user(users: Any, values: Mapping[str, Any]) -> None:
    if values.get("user_id") is not None:
        users.require(values["user_id"])


def _host(url: str) -> str:
    """Where it goes, without what may be a secret in it."""
    return urlsplit(url).hostname or ""
