"""Webhooks and deliveries as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calbridge.store.announcing import CONNECTED, NOT_CONNECTED, PING, WAITING
from calbridge.store.deliveries import Delivery
from calbridge.store.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class WebhookView:
    """Where a tenant is told what happens.

    ``events``: types that it wants. ``user_id``: only what concerns this user. ``own``: also what the key ``key_id``
    wrote itself. ``reason``: code of why it was switched off. ``failing_since``: it has not taken anything since.
    ``rotating_until``: messages carry a second signature, by the former secret, until then.
    """

    id: str
    url: str
    events: Sequence[str]
    user_id: str | None
    own: bool
    key_id: str | None
    active: bool
    reason: str | None
    failing_since: datetime | None
    rotating_until: datetime | None
    version: int
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewWebhookView(WebhookView):
    """The same with its ``secret``, which is shown this once."""

    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A message to a webhook; its ``id`` is the same at every try. ``status``: pending, delivered or failed.

    ``answered``: HTTP status of the last answer; ``code``: the last failure; ``next_at``: not tried before.
    """

    id: str
    webhook_id: str
    type: str
    seq: int | None
    user_id: str | None
    item_id: str | None
    integration_id: str | None
    status: str
    attempts: int
    next_at: datetime | None
    answered: int | None
    code: str | None
    created_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What one turn of delivering did; ``left``: more is due now."""

    delivered: int
    failed: int
    left: bool


def webhook_view(webhook: Webhook, now: datetime) -> WebhookView:
    """A stored webhook as it is shown."""
    return WebhookView(**_facts(webhook, now))


def new_webhook_view(webhook: Webhook, now: datetime, secret: str) -> NewWebhookView:
    """A webhook with a new secret."""
    return NewWebhookView(**_facts(webhook, now), secret=secret)


def _facts(webhook: Webhook, now: datetime) -> dict[str, Any]:
    rotating = webhook.former_until is not None and webhook.former_until > now
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "user_id": webhook.user_id,
        "own": webhook.own,
        "key_id": webhook.key_id,
        "active": webhook.active,
        "reason": webhook.reason,
        "failing_since": webhook.failing_since,
        "rotating_until": webhook.former_until if rotating else None,
        "version": webhook.version,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }


def delivery_view(delivery: Delivery) -> DeliveryView:
    """A stored delivery as it is shown."""
    of_integration = delivery.type in {CONNECTED, NOT_CONNECTED, WAITING}
    return DeliveryView(
        delivery.id,
        delivery.webhook_id,
        delivery.type,
        delivery.seq,
        delivery.user_id,
        None if of_integration or delivery.type == PING else delivery.subject,
        delivery.subject if of_integration else None,
        delivery.status,
        delivery.attempts,
        delivery.next_at,
        delivery.answered,
        delivery.code,
        delivery.created_at,
        delivery.finished_at,
    )
