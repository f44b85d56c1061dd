"""Messages to webhooks: made from what is stored when they are sent, and signed (Standard Webhooks)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook as Signer

from calbridge.connectors.transport import Request, Transport, retry_after
from calbridge.errors import ConnectorError
from calbridge.service.change_views import change_views
from calbridge.service.delivery_rules import Answer
from calbridge.service.views import rfc3339, to_json
from calbridge.store.announcing import CONNECTED, NOT_CONNECTED, PING, WAITING
from calbridge.store.changes import Change
from calbridge.store.deliveries import Delivery
from calbridge.store.work import Work

MOST_READ = 2**20
"""Bytes of an answer, of which nothing but the status is used."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent for a delivery."""

    delivery: Delivery
    content: Mapping[str, Any] = field(repr=False)


def messages(work: Work, deliveries: Sequence[Delivery]) -> list[Message]:
    """The messages of deliveries, with items and integrations as they are in this unit of work."""
    of_items = [each for each in deliveries if each.type not in {PING, CONNECTED, NOT_CONNECTED, WAITING}]
    views = change_views(work, [_change(each) for each in of_items])
    data: dict[str, Any] = {each.id: to_json(view) for each, view in zip(of_items, views, strict=True)}
    for each in deliveries:
        if each.type == PING:
            data[each.id] = {"webhook_id": each.webhook_id}
        elif each.id not in data:
            data[each.id] = _of_integration(work, each)
    return [
        Message(each, {"type": each.type, "timestamp": rfc3339(each.created_at), "data": data[each.id]})
        for each in deliveries
    ]


def _change(delivery: Delivery) -> Change:
    facts, at = delivery.facts, delivery.created_at
    assert at is not None
    return Change(
        delivery.seq or 0,
        delivery.user_id or "",
        delivery.subject,
        facts["op"],
        facts["version"],
        tuple(facts["changed_fields"]),
        facts["source"],
        at,
    )


def _of_integration(work: Work, delivery: Delivery) -> dict[str, Any]:
    """What happened, and the integration as it is now; None where it was deleted."""
    now = work.integrations.get(delivery.subject)
    shown = None
    if now is not None:
        names = ("id", "user_id", "service", "active", "status", "reason")
        shown = {name: getattr(now, name) for name in names}
    told = {"seq": delivery.seq, "user_id": delivery.user_id, "integration_id": delivery.subject}
    return {**told, "integration": shown, **delivery.facts, "at": rfc3339(delivery.created_at)}


def send(transport: Transport, url: str, secrets: Sequence[str], message: Message, now: datetime) -> Answer:
    """Send one message; redirects are not followed. ``secrets``: one signature for each."""
    # ASCII, as the text of an item may hold halves of characters that UTF-8 has no form for.
    body = json.dumps(message.content, separators=(",", ":"))
    headers = {
        "content-type": "application/json",
        "webhook-id": message.delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(each).sign(message.delivery.id, now, body) for each in secrets),
    }
    try:
        response = transport.send(Request("POST", url, headers, body.encode(), max_bytes=MOST_READ))
    except ConnectorError as error:
        return Answer(code=error.code)
    return Answer(response.status, retry_after=retry_after(response, now=now.timestamp))


def told(answer: Answer) -> dict[str, Any]:
    """What an answer leaves in a delivery that is not tried again."""
    return {"status": "delivered" if answer.good else "failed", "answered": answer.status, "code": answer.failure}
